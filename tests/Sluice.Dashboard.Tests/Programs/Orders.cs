using System.Collections.Concurrent;

namespace Sluice.Dashboard.Tests;

internal sealed record Order(string Id, string Note);

/// <summary>A consecutor that refuses orders whose note says poison, until it is mended.</summary>
internal sealed class Orders : IAsyncDisposable
{
    private readonly SemaphoreSlim ended = new(0);

    private Orders(string name, IStreamStore store)
    {
        Consecutor = new(name, source => source | Check | Store,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 2 } })
        { Key = static order => order.Id };
    }

    public Consecutor<Order> Consecutor { get; }

    public ConcurrentQueue<Order> Processed { get; } = [];

    /// <summary>Whether poison is no problem any more.</summary>
    public bool IsMended { get; set; }

    public static async Task<Orders> StartAsync(IStreamStore store, string name = "orders")
    {
        var orders = new Orders(name, store);
        await orders.Consecutor.StartAsync();
        return orders;
    }

    /// <summary>Sends orders, and waits until they are processed or dead.</summary>
    public async Task SendAsync(params (string Id, string Note)[] orders)
    {
        foreach ((string id, string note) in orders)
            await Consecutor.SendAsync(new(id, note), TestContext.Current.CancellationToken);
        await Consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until one more order was processed, and returns it.</summary>
    public async Task<Order> NextAsync()
    {
        if (!await ended.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken))
            throw new TimeoutException("No order was processed for a minute.");
        return Processed.TryDequeue(out Order? order) ? order : await NextAsync();          // the test has cleared it
    }

    public ValueTask DisposeAsync() => Consecutor.DisposeAsync();

    private Order Check(Order order) => IsMended || !order.Note.Contains("poison", StringComparison.Ordinal) ? order
        : throw new FormatException($"The note of {order.Id} is no good.");

    private void Store(Order order)
    {
        Processed.Enqueue(order);
        ended.Release();
    }
}
