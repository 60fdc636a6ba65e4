using Sluice;
using Sluice.PostgreSql;
using Sluice.Storage;

namespace Orders.Shop;

/// <summary>
/// What happens to placed orders: each is shipped once, and entered in the sales book with its number. Both rows and the state of the
/// product are written in the transaction that settles the event.
/// </summary>
internal static class Warehouse
{
    /// <summary>The name of the consecutor.</summary>
    public const string Name = "orders";

    public static Pipeline Body(Source<OrderPlaced> source) => source
        | [
            PostgresSink.InStore<OrderPlaced>("INSERT INTO shipment(order_id, product) VALUES ($1, $2)",
                order => [order.Id, order.Product]) | Stage.Named("Ship"),
            StageNode.Of(() => new SalesBook()) | Stage.Named("Count")
                | (PostgresSink.InStore<Sale>(
                    "INSERT INTO sale(product, number, order_id, pieces, left_in_stock) VALUES ($1, $2, $3, $4, $5)",
                    sale => [sale.Order.Product, sale.Number, sale.Order.Id, sale.Pieces, sale.Order.Left]) | Stage.Named("Enter")),
        ];

    /// <summary>How it is stored, and run.</summary>
    public static ConsecutorOptions Configure(ConsecutorOptions options) => options with
    {
        Serializers = PayloadSerializers.JsonOf(OrdersJson.Default),
        LeaseDuration = TimeSpan.FromSeconds(5),
        Delivery = DeliveryGuarantee.Replay(10, Backoff.Exponential(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(100))),
    };

    private sealed class SalesBook : StatefulStageNode<OrderPlaced, Sale, Sold>
    {
        protected override ValueTask ProcessAsync(OrderPlaced item, Output<Sale> output, CancellationToken cancellation)
        {
            State = new(State.Orders + 1, State.Pieces + item.Quantity);
            return output.PushAsync(new(item, State.Orders, State.Pieces));
        }
    }
}
