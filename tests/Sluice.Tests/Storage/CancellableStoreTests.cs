using System.Runtime.CompilerServices;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

public class CancellableStoreTests
{
    [Fact]
    public async Task AFailureThatComesAfterTheStoreWasGivenUpIsNotReportedAsUnobserved()
    {
        var told = new List<string>();
        EventHandler<UnobservedTaskExceptionEventArgs> listen = (_, e) =>
        {
            lock (told) told.Add(e.Exception.ToString());
        };
        TaskScheduler.UnobservedTaskException += listen;
        try
        {
            for (int i = 0; i < 20; i++)
            {
                await GiveUpAsync();
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            lock (told) Assert.DoesNotContain(told, static text => text.Contains("too late for anybody", StringComparison.Ordinal));
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= listen;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task GiveUpAsync()
    {
        await using var memory = new MemoryStreamStore();
        var slow = new SlowStore(memory);
        using CancellationTokenSource givenUp = new(), callers = new();
        var store = new CancellableStore(slow, givenUp.Token);
        Task<StreamInfo?> asked = store.FindStreamAsync("orders", callers.Token).AsTask();
        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        slow.Answer.SetException(new StreamStoreException("too late for anybody"));
    }

    private sealed class SlowStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource<StreamInfo?> Answer { get; } = new();

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => new(Answer.Task);
    }
}
