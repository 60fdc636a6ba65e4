using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An append of a dead process reaches the store after the next process has started, because the network or the server was
/// slow.</summary>
public class LateAppendTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: no process counted that item. The next process had read the counts before, and its source had nothing more to
    /// send, so the consecutor seemed idle.</remarks>
    [Fact]
    public async Task WaitForIdleIncludesAnItemThatADeadProcessAppendedLate()
    {
        await using var store = new MemoryStreamStore();
        var late = new HoldingStore(store, nameof(IStreamStore.AppendAsync));
        Consecutor<int> dead = Make(late);
        await dead.StartAsync(Cancellation);
        PipelineRun cut = Intake(dead);
        await late.Held.WaitAsync(Cancellation);
        cut.Cancel();
        Task abandoned = dead.AbandonAsync();

        var slow = new HoldingStore(store, nameof(IStreamStore.LeaseAsync));
        await using Consecutor<int> next = Make(slow);
        await next.StartAsync(Cancellation);
        late.Release();
        while ((await store.FindStreamAsync("numbers", Cancellation))!.Items == 0) await Member.NextAsync();
        await using (PipelineRun resumed = Intake(next)) await resumed.Completion;
        Task<ConsecutorSnapshot> idle = next.WaitForIdleAsync(Cancellation);
        slow.Release();

        Assert.True(await idle is { Accepted: 1, Completed: 1, Unaccounted: 0 }, $"{await idle}");
        await abandoned;
        await cut.DisposeAsync();
    }

    private static PipelineRun Intake(Consecutor<int> consecutor)
        => (Source.Resumable("numbers", Enumerable.Range(0, 1)) | consecutor).Start(cancellation: Cancellation);

    private static Consecutor<int> Make(IStreamStore store)
        => new("numbers", static source => source | (static (int _) => { }),
        new() { Store = store, Stream = new() { Partitions = 1 }, Process = new() });

    /// <summary>Holds calls of one kind until they are released.</summary>
    private sealed class HoldingStore(IStreamStore inner, string held) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously),
            released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Held => isHeld.Task;

        public void Release() => released.TrySetResult();

        // An append that was sent cannot be cancelled.
        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
            => base.AppendAsync(request, CancellationToken.None);

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name == held)
            {
                isHeld.TrySetResult();
                await released.Task;
            }
            return await call();
        }
    }
}
