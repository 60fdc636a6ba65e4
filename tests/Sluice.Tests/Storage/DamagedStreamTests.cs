using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>Lists of an inspector leave out what is damaged, and nothing else.</summary>
public sealed class DamagedStreamTests : IAsyncDisposable
{
    private readonly TestClock clock = new();
    private readonly MemoryStreamStore store;

    public DamagedStreamTests() => store = new(clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task ADamagedStreamIsLeftOutWithAWarning()
    {
        foreach (string name in (string[])["a", "b", "c"]) await store.OpenStreamAsync(name, cancellation: Cancellation);
        System.Collections.Concurrent.ConcurrentBag<string> warnings = [];
        var warns = new StoreInspector(new Damaged(store, isPermanent: true), clock) { OnWarning = warnings.Add };
        Assert.Equal(["a", "c"], (await warns.LookAsync(max: 2, cancellation: Cancellation)).Select(static one => one.Name));
        Assert.Equal(["The stream b is left out: b is damaged"], warnings);
        Assert.Equal(["a", "c"], await warns.LookAllAsync(cancellation: Cancellation).Select(static one => one.Name)
            .ToListAsync(Cancellation));
        await Assert.ThrowsAsync<StreamStoreException>(() => warns.FindAsync("b", Cancellation));

        await Assert.ThrowsAsync<StreamStoreException>(()
            => new StoreInspector(new Damaged(store, isPermanent: true), clock).LookAsync(cancellation: Cancellation));
        await Assert.ThrowsAsync<StreamStoreException>(()
            => new StoreInspector(new Damaged(store, isPermanent: false), clock) { OnWarning = static _ => { } }
                .LookAsync(cancellation: Cancellation));
    }

    /// <summary>Each stream would be left out, and the list would say that the store is empty.</summary>
    [Fact]
    public async Task AListOfAStoreThatIsDamagedFails()
    {
        foreach (string name in (string[])["a", "b", "c"]) await store.OpenStreamAsync(name, cancellation: Cancellation);
        foreach (string? place in (string?[])[null, "d"])
        {
            var warns = new StoreInspector(new Damaged(store, isPermanent: true, place), clock) { OnWarning = Assert.Fail };
            await Assert.ThrowsAsync<StreamStoreException>(() => warns.LookAsync(cancellation: Cancellation));
            await Assert.ThrowsAsync<StreamStoreException>(
                () => warns.LookAllAsync(cancellation: Cancellation).ToListAsync(Cancellation).AsTask());
        }
    }

    private sealed class Damaged(IStreamStore inner, bool isPermanent, string? place = "b") : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => stream == "b" ? throw new StreamStoreException("b is damaged") { Stream = place, IsPermanent = isPermanent }
                : base.FindStreamAsync(stream, cancellation);
    }
}
