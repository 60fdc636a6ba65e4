using System.Collections.Concurrent;
using Npgsql;

namespace Sluice.PostgreSql.Tests;

/// <summary>A data source that is disposed before the store is said at once, as such: no call waits for a server that is there.</summary>
public sealed class DisposedSourceTests(SharedServer server)
{
    private const string Said = "The NpgsqlDataSource that you gave to the store at 127.0.0.1:";

    // A call that waits for the server waits longer than the test.
    private static readonly TimeSpan Forever = TimeSpan.FromMinutes(30), Soon = TimeSpan.FromMinutes(1);

    private readonly ConcurrentQueue<string> warnings = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresStoreOptions Options => new()
    {
        Schema = SharedServer.NewSchema(),
        Timeout = Forever,
        OnWarning = warnings.Enqueue,
        NoticeAfter = Soon
    };

    [Fact]
    public async Task ACallOfTheStoreSaysSo()
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(server.Address);
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source, Options, Cancellation);
        await source.DisposeAsync();
        foreach (Func<Task> call in (Func<Task>[])[
            () => store.FindStreamAsync("orders", Cancellation).AsTask(),
            () => store.OpenStreamAsync("orders", cancellation: Cancellation).AsTask(),
            () => store.AddGroupAsync(new("orders", "main"), cancellation: Cancellation).AsTask()])
        {
            var gone = await Assert.ThrowsAsync<ObjectDisposedException>(() => call().WaitAsync(Soon, Cancellation));
            Assert.StartsWith(Said, gone.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', gone.Message);
        }
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task OpeningSaysSo()
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(server.Address);
        await source.DisposeAsync();
        var gone = await Assert.ThrowsAsync<ObjectDisposedException>(
            () => PostgresStreamStore.OpenAsync(source, Options, Cancellation).AsTask().WaitAsync(Soon, Cancellation));
        Assert.StartsWith(Said, gone.Message, StringComparison.Ordinal);
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task AConsecutorEndsAndSaysSo()
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(server.Address);
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source, Options, Cancellation);
        await using var orders = new Consecutor<int>("orders", static source => source | (static (int _) => { }), new() { Store = store });
        await orders.StartAsync(Cancellation);
        await source.DisposeAsync();
        var gone = await Assert.ThrowsAsync<InvalidOperationException>(
            () => orders.SendAsync(1, Cancellation).AsTask().WaitAsync(Soon, Cancellation));
        Assert.StartsWith($"The consecutor orders has ended, because its store takes no more calls: {Said}", gone.Message,
            StringComparison.Ordinal);
        Assert.Contains("Dispose the data source last, after the store. A durable store keeps", gone.Message, StringComparison.Ordinal);
        Assert.Empty(warnings);
    }
}
