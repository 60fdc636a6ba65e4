using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>
/// The part of a random walk that sends in transactions of an application. Up to three are open at a time, and end in any order. Nothing
/// of them is in the model before they commit. Then it is behind everything that was appended before.
/// </summary>
internal sealed class TransactionWalk(Rig rig, Random random) : IAsyncDisposable
{
    private const int MaxOpen = 3;

    private readonly List<Open> open = [];

    /// <summary>Takes a step.</summary>
    /// <param name="next">Makes a random entry: its key, its text, and the partition of the key.</param>
    /// <param name="accept">Called with each entry that is accepted, in order.</param>
    /// <returns>The step, as text.</returns>
    public async Task<string> StepAsync(Func<(string Key, string Text, int Partition)> next, Action<(int Partition, string Text)> accept)
    {
        if (open.Count == 0 || (open.Count < MaxOpen && random.Next(5) == 0)) open.Add(new(await rig.BeginTransactionAsync()));
        Open one = open[random.Next(open.Count)];
        string name = $"transaction {open.IndexOf(one) + 1} of {open.Count}";
        switch (random.Next(10))
        {
            case < 5:
                List<(string Key, string Text, int Partition)> entries = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => next())];
                using (var batch = new EntryBatch())
                {
                    foreach ((string key, string text, _) in entries) batch.Add(Bytes(text).Span, EntryKey.Of(key));
                    await one.Transaction.SendAsync(rig.Store, Orders, batch);
                }
                one.Sent.AddRange(entries.Select(static entry => (entry.Partition, entry.Text)));
                return $"send {entries.Count} in {name}";
            case 5:
                await one.Transaction.SaveAsync();
                one.Saved = one.Sent.Count;
                return $"a savepoint in {name}";
            case 6 when one.Saved is { } saved:
                await one.Transaction.UndoAsync();
                one.Sent.RemoveRange(saved, one.Sent.Count - saved);
                return $"roll {name} back to its savepoint";
            case < 9:
                await EndAsync(one, commits: true);
                one.Sent.ForEach(accept);
                return $"commit {name}";
            default:
                await EndAsync(one, commits: false);
                return $"roll {name} back";
        }
    }

    private async Task EndAsync(Open one, bool commits)
    {
        open.Remove(one);
        await using StoreTransaction transaction = one.Transaction;
        await transaction.EndAsync(commits);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Open one in open) await one.Transaction.DisposeAsync();
    }

    private sealed class Open(StoreTransaction transaction)
    {
        public StoreTransaction Transaction => transaction;
        public List<(int Partition, string Text)> Sent { get; } = [];
        public int? Saved { get; set; }
    }
}
