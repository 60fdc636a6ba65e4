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

    /// <summary>It ends at once: one that ends with each change may end too late for the scenario, if its thread has no
    /// processor.</summary>
    [Fact]
    public async Task AWaitThatEndsEachTimeIsNamed()
    {
        StreamStoreContractException failure = await Assert.ThrowsAsync<StreamStoreContractException>(
            () => RunAsync(static (_, after) => after >= 0 ? ValueTask.FromResult(after) : null));
        Assert.Contains("does not wake the owner of another", failure.Message, StringComparison.Ordinal);
    }

    private static Task<string?> RunAsync(Func<IStreamStore, long, ValueTask<long>?> wait)
        => StreamStoreContract.RunAsync(Scenario, new MemoryStoreFixture(inner => new Waits(inner, wait)));

    private sealed class Waits(IStreamStore inner, Func<IStreamStore, long, ValueTask<long>?> wait) : StreamStoreWrapper(inner)
    {
        public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
            CancellationToken cancellation = default)
            => wait(Inner, after) ?? base.WaitForEntriesAsync(stream, partitions, after, cancellation);
    }
}
