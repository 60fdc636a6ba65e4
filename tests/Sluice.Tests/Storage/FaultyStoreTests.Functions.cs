using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <content>Functions that run in the transaction of their commit.</content>
public partial class FaultyStoreTests
{
    [Theory]
    [InlineData("FunctionsOfACommitRunInOrderAndOnce", "backwards", "the functions that have run, in order")]
    [InlineData("FunctionsOfACommitRunInOrderAndOnce", "twice", "functions that have run after the repetition of their commit")]
    [InlineData("AFunctionThatThrowsVoidsItsCommitAndIsNamed", "unnamed", "the index of the function that has thrown")]
    [InlineData("AFunctionThatThrowsVoidsItsCommitAndIsNamed", "applies", "results of a commit that is void")]
    [InlineData("FunctionsForAnotherTransactionAreRefused", "any", "a commit with functions for a transaction of another type")]
    public async Task TheContractFindsFaultsOfFunctions(string scenario, string fault, string message)
    {
        Assert.Null(await StreamStoreContract.RunAsync(scenario, new MemoryStoreFixture(static inner => new RunsFunctions(inner, ""))));
        var failure = await Assert.ThrowsAsync<StreamStoreContractException>(
            () => StreamStoreContract.RunAsync(scenario, new MemoryStoreFixture(inner => new RunsFunctions(inner, fault))));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreWithoutTransactionsForFunctionsIsNotCheckedForThem()
        => Assert.Contains("it has no TransactionType", await StreamStoreContract.RunAsync("FunctionsOfACommitRunInOrderAndOnce",
            new MemoryStoreFixture()), StringComparison.Ordinal);

    private sealed class RunsFunctions(IStreamStore inner, string fault) : StreamStoreWrapper(inner)
    {
        private readonly HashSet<(Ownership, long)> applied = [];

        public override IStreamStore Root => this;

        public override Type TransactionType => typeof(Version);

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            StoreCommit bare = commit with { Attachments = [] };
            if (applied.Contains((commit.Owner, commit.Sequence)) && fault != "twice") return await Inner.CommitAsync(bare, cancellation);
            CommitFunctions[] all = [.. commit.Attachments.Cast<CommitFunctions>()];
            foreach (CommitFunctions functions in all)
                if (functions.TransactionType != TransactionType && fault != "any") commit.Refuse(functions);
            foreach (CommitFunctions functions in fault == "backwards" ? all.Reverse() : all) await RunAsync(functions, bare);
            applied.Add((commit.Owner, commit.Sequence));
            return await Inner.CommitAsync(bare, cancellation);
        }

        private async Task RunAsync(CommitFunctions functions, StoreCommit commit)
        {
            object transaction = fault == "any" && functions.TransactionType != TransactionType ? commit : new Version();
            for (int i = 0; i < functions.Count; i++)
                try
                {
                    await functions.RunAsync(i, transaction, CancellationToken.None);
                }
                catch (FormatException e)
                {
                    if (fault == "applies") await Inner.CommitAsync(commit);
                    throw new ItemRejectedException(e.Message, e) { Attachment = functions, Item = fault == "unnamed" ? null : i };
                }
        }
    }
}
