using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>A wait for entries may return without a reason, but not with each change of another partition.</summary>
public class OwnersWaitTests
{
    private const string Scenario = "OnlyWhoeverOwnsThePartitionIsWoken";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AWaitMayReturnWithoutAReason(int returns)
    {
        int left = returns;
        Assert.Null(await RunAsync((_, after) => after >= 0 && left-- > 0 ? ValueTask.FromResult(after) : null));
    }

    [Fact]
    public async Task AWaitThatEndsWithEachChangeIsNamed()
    {
        ConcurrentBag<TaskCompletionSource<long>> waiting = [];
        StreamStoreContractException failure = await Assert.ThrowsAsync<StreamStoreContractException>(
            () => StreamStoreContract.RunAsync(Scenario, new MemoryStoreFixture(inner => new WakesAll(inner, waiting))));
        Assert.Contains("does not wake the owner of another", failure.Message, StringComparison.Ordinal);
    }

    private static Task<string?> RunAsync(Func<IStreamStore, long, ValueTask<long>?> wait)
        => StreamStoreContract.RunAsync(Scenario, new MemoryStoreFixture(inner => new Waits(inner, wait)));

    /// <summary>Ends the waits of all handles before an append returns, so that no thread can be late with it.</summary>
    private sealed class WakesAll(IStreamStore inner, ConcurrentBag<TaskCompletionSource<long>> waiting) : StreamStoreWrapper(inner)
    {
        public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
            CancellationToken cancellation = default)
        {
            if (after < 0) return base.WaitForEntriesAsync(stream, partitions, after, cancellation);
            // Continuations run at once: the wait has ended for its caller, too, when the append returns.
            var wait = new TaskCompletionSource<long>(after);
            waiting.Add(wait);
            return new(wait.Task);
        }

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await base.AppendAsync(request, cancellation);
            while (waiting.TryTake(out TaskCompletionSource<long>? wait)) wait.SetResult((long)wait.Task.AsyncState!);
            return result;
        }
    }

    private sealed class Waits(IStreamStore inner, Func<IStreamStore, long, ValueTask<long>?> wait) : StreamStoreWrapper(inner)
    {
        public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
            CancellationToken cancellation = default)
            => wait(Inner, after) ?? base.WaitForEntriesAsync(stream, partitions, after, cancellation);
    }
}
