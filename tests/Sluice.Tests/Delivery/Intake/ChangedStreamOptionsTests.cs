using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Options of a stream that was made with others: they have no effect, and the start says so.</summary>
public class ChangedStreamOptionsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStartWarnsOnceOfBoundsThatHaveNoEffect()
    {
        await using var store = new MemoryStreamStore();
        var warnings = new ConcurrentQueue<string>();
        await LiveAsync(new() { MaxItems = 5_000, MaxBytes = 1_000_000 });
        Assert.Empty(warnings);
        await LiveAsync(new());                          // asks for nothing
        Assert.Empty(warnings);
        await LiveAsync(new() { MaxItems = 5_000, MaxBytes = 2_000_000, MaxEntryBytes = 64 << 20 });
        Assert.Equal("The stream of the consecutor work keeps the options with which it was made: MaxBytes is 1,000,000, and the code says "
            + "2,000,000; MaxEntryBytes is 16,777,216, and the code says 67,108,864. To change them, give the consecutor a new name.",
            Assert.Single(warnings));
        warnings.Clear();
        await LiveAsync(new() { MaxItems = 1_000_000 });             // the default, asked for
        Assert.Contains("MaxItems is 5,000, and the code says 1,000,000.", Assert.Single(warnings), StringComparison.Ordinal);

        async Task LiveAsync(StreamOptions stream)
        {
            await using var consecutor = new Consecutor<int>("work", static items => items.ForEach(static _ => { }),
                new() { Store = store, Stream = stream, OnWarning = warnings.Enqueue });
            await consecutor.SendAsync(1, Cancellation);
            await consecutor.StartAsync(Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    [Fact]
    public async Task AStreamThatCannotBeOpenedNorFoundSaysWhyItCannotBeOpened()
    {
        await using var store = new DamagedStore(new MemoryStreamStore());
        await using var consecutor = new Consecutor<int>("work", static items => items.ForEach(static _ => { }), new() { Store = store });
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => consecutor.StartAsync(Cancellation));
        Assert.Equal("its row is damaged", failure.Message);
    }

    private sealed class DamagedStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask<StreamInfo> OpenStreamAsync(
            string stream, StreamOptions? options = null, CancellationToken cancellation = default)
            => ValueTask.FromException<StreamInfo>(new StreamStoreException("its row is damaged") { IsPermanent = true });

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => ValueTask.FromException<StreamInfo?>(new StreamStoreException("cannot be looked at") { IsPermanent = true });
    }
}
