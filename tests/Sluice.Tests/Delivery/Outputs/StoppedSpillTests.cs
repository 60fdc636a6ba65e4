using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor is stopped while the store does not answer about an item that takes several commits.</summary>
public class StoppedSpillTests
{
    private const int Many = 1_900;

    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The clock stands still: a stop that waits for the store would never end.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopDoesNotWaitForAnAnswerAndTheNextStartPublishesEachOutputOnce(bool isSealed)
    {
        await using var store = new MemoryStreamStore(clock);
        var silent = new SilentStore(store, isSealed);
        await using (Consecutor<int> work = Make(silent))
        {
            await work.SendAsync(1, Cancellation);
            await work.StartAsync(Cancellation);
            await silent.Asked.Task.WaitAsync(Cancellation);
            await work.StopAsync(TimeSpan.Zero, Cancellation);
        }
        Assert.Equal(0, (await store.FindStreamAsync("outs", Cancellation))?.Appended ?? 0);

        await using Consecutor<int> next = Make(store);
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot end = await next.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(Many, (await store.FindStreamAsync("outs", Cancellation))!.Appended);
    }

    private Consecutor<int> Make(IStreamStore store)
    {
        var work = new Consecutor<int>("work",
            static source => source.SelectMany(static _ => Enumerable.Range(0, Many)) | Sink.Output<int>("parts"),
            Member.Options("me", store, clock));
        work.Output<int>("parts").To(new Consecutor<int>("outs", static source => source | (static _ => { }),
            Member.Options("me", store, clock)));
        return work;
    }

    /// <summary>Does not answer what a spilled item has to ask: before its seal about the target stream, behind it about the pieces.
    /// </summary>
    private sealed class SilentStore(IStreamStore inner, bool isSealed) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private bool HasBegun { get; set; }

        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => !isSealed && stream == "outs" && HasBegun ? throw Silent() : base.FindStreamAsync(stream, cancellation);

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
            => isSealed && node == Spill.Node && keys.Count > 0 ? throw Silent()
                : base.ReadStateAsync(group, partition, node, keys, cancellation);

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            HasBegun = true;
            return base.LeaseAsync(request, cancellation);
        }

        private StreamStoreException Silent()
        {
            Asked.TrySetResult();
            return new StreamStoreException("The connection is cut.");
        }
    }
}
