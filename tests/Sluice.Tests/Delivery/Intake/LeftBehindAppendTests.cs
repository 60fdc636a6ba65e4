using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A run that is cancelled while the store does not answer leaves its last append behind.</summary>
public class LeftBehindAppendTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The next run had the same producer name. The append that was left behind opened it when the store answered again, and so
    /// fenced the next run off: "Somebody else has opened the producer".</remarks>
    [Fact]
    public async Task TheNextRunIsNotFencedOffByIt()
    {
        await using var store = new MemoryStreamStore();
        var slow = new SlowToOpen(store);
        await using var work = new Consecutor<int>("work", source => source | (_ => { }),
            new() { Store = slow, Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);

        ManualSource<int> first = Source.Manual<int>(), second = Source.Manual<int>();
        await using PipelineRun left = (first | work).Start();
        await first.SendAsync(1, Cancellation);
        await slow.Asked.Task.WaitAsync(Cancellation);
        await left.CancelAsync();
        await left.Completion.ContinueWith(static _ => { }, TaskScheduler.Default);

        slow.IsSlow = false;
        await using PipelineRun run = (second | work).Start();
        await second.SendAsync(2, Cancellation);
        await AcceptedAsync(1);
        slow.Let.SetResult();
        await AcceptedAsync(2);
        await second.SendAsync(3, Cancellation);
        second.Complete();
        await run.Completion.WaitAsync(Cancellation);
        Assert.Equal(3, (await work.WaitForIdleAsync(Cancellation)).Completed);

        async Task AcceptedAsync(int items)
        {
            while (work.Snapshot().Accepted < items)
            {
                if (run.Completion.IsFaulted) await run.Completion;
                await Member.NextAsync();
            }
        }
    }

    private sealed class SlowToOpen(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Let { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsSlow { get; set; } = true;

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name != nameof(OpenProducerAsync) || !IsSlow) return await call();
            Asked.TrySetResult();
            await Let.Task;
            return await call();
        }
    }
}
