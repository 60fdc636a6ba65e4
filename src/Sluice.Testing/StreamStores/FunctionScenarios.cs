using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Functions of items that a store runs in the transaction of their commit, if it has transactions for them.</summary>
internal static class FunctionScenarios
{
    public static async Task FunctionsOfACommitRunInOrderAndOnce(Rig rig)
    {
        Type transaction = TypeOf(rig);
        Ownership owner = await rig.LeaseNewAsync("a", "b");
        using EntryBatch output = Batch("r");
        List<string> ran = [];
        StoreCommit commit = Commit(owner, output, [Of(transaction, ran, "1", "2"), Of(transaction, ran, "3")]);
        await rig.CommitAsync(commit);
        // A store may roll its own transaction back, and begin again.
        Expect.Same(["1", "2", "3"], ran.TakeLast(3), "the functions that have run, in order");
        int count = ran.Count;
        Expect.Equal(CommitStatus.Committed, (await rig.Store.CommitAsync(commit)).Status, "the repeated commit");
        Expect.Equal(count, ran.Count, "functions that have run after the repetition of their commit");
        Expect.Same(["r"], await rig.ReadAsync(), "results");
    }

    public static async Task AFunctionThatThrowsVoidsItsCommitAndIsNamed(Rig rig)
    {
        Type transaction = TypeOf(rig);
        Ownership owner = await rig.LeaseNewAsync("a", "b");
        using EntryBatch output = Batch("r");
        List<string> ran = [];
        CommitFunctions failing = Of(transaction, ran, "2", "fails", "4");
        StoreCommit commit = Commit(owner, output, [Of(transaction, ran, "1"), failing]);
        ItemRejectedException rejected = await Expect.ThrowsAsync<ItemRejectedException>(() => rig.Store.CommitAsync(commit).AsTask(),
            "a commit with a function that throws");
        Expect.Same(["1", "2", "fails"], ran.TakeLast(3), "the functions that have run, in order");
        Expect.True(ReferenceEquals(failing, rejected.Attachment), "the exception has the functions of which one has thrown");
        Expect.Equal((int?)1, rejected.Item, "the index of the function that has thrown");
        Expect.Same([], await rig.ReadAsync(), "results of a commit that is void");
        Expect.Equal(2L, await rig.BacklogAsync(), "what is left of a commit that is void");
        await rig.CommitAsync(Commit(owner, output, [Of(transaction, ran, "1")]));
        Expect.Equal(0L, await rig.BacklogAsync(), "what is left");
    }

    public static async Task FunctionsForAnotherTransactionAreRefused(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a", "b");
        using EntryBatch output = Batch("r");
        List<string> ran = [];
        await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.CommitAsync(Commit(owner, output, [Of(typeof(Rig), ran, "1")]))
            .AsTask(), "a commit with functions for a transaction of another type");
        Expect.Equal((0, 2L), (ran.Count, await rig.BacklogAsync()), "functions that have run, and what is left");
    }

    private static Type TypeOf(Rig rig) => rig.Opened.Root.TransactionType
        ?? throw new NotCheckedException($"The store was not checked, because it has no {nameof(IStreamStore.TransactionType)}.");

    private static StoreCommit Commit(Ownership owner, EntryBatch output, IReadOnlyList<CommitFunctions> functions) => new(owner, 1)
    {
        Settled = [new(1, 2)],
        Outputs = [new(Results, output)],
        Attachments = functions,
    };

    private static CommitFunctions Of(Type type, List<string> ran, params string[] names) => new(type, [.. names.Select(name =>
        ("node", name, new Func<object, CancellationToken, ValueTask>((transaction, _) =>
        {
            Expect.True(type.IsInstanceOfType(transaction), $"the transaction of a function is a {type.Name}");
            ran.Add(name);
            return name == "fails" ? throw new FormatException("no good") : ValueTask.CompletedTask;
        })))]);
}
