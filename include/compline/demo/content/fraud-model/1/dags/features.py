"""Every day: transactions to the features that the model is trained on."""

from airflow.sdk import Connection, dag, task


@dag(schedule="@daily")
def fraud_features():
    @task
    def build() -> None:
        stores = Connection.get("stores")
        print(f"building features in {stores.host}")

    build()


fraud_features()
