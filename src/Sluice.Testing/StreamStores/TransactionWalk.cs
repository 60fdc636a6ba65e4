using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>
/// The part of a random walk that sends in transactions of an application. Up to three are open at a time, and end in any order. What
/// a transaction has sent comes into the model when it commits, behind everything that was appended before.
/// </summary>
internal sealed class TransactionWalk(Rig rig, Random random) : IAsyncDisposable
{
    private const int MaxOpen = 3;

    private readonly List<Open> open = [];

    /// <summary>The last step, as text.</summary>
    public string Last { get; private set; } = "the beginning";

    /// <summary>Takes a step.</summary>
    /// <param name="next">Makes a random entry: its key, its text, and the partition of the key.</param>
    /// <param name="accept">Called with each entry that is accepted, in order.</param>
    public async Task StepAsync(Func<(string Key, string Text, int Partition)> next, Action<(int Partition, string Text)> accept)
    {
        if (open.Count == 0 || (open.Count < MaxOpen && random.Next(5) == 0)) open.Add(new(await rig.BeginTransactionAsync()));
        Open one = open[random.Next(open.Count)];
        string name = $"transaction {open.IndexOf(one) + 1} of {open.Count}";
        switch (random.Next(10))
        {
            case < 5:
                List<(string Key, string Text, int Partition)> entries = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => next())];
                Last = $"send {entries.Count} in {name}";
                using (var batch = new EntryBatch())
                {
                    foreach ((string key, string text, _) in entries) batch.Add(Bytes(text).Span, EntryKey.Of(key));
                    await one.Transaction.SendAsync(rig.Opened, Orders, batch);
                }
                one.Sent.AddRange(entries.Select(static entry => (entry.Partition, entry.Text)));
                break;
            case 5:
                Last = $"a savepoint in {name}";
                await one.Transaction.SaveAsync();
                one.Saved = one.Sent.Count;
                break;
            case 6 when one.Saved is { } saved:
                Last = $"roll {name} back to its savepoint";
                await one.Transaction.RollbackToSavepointAsync();
                one.Sent.RemoveRange(saved, one.Sent.Count - saved);
                break;
            case < 9:
                Last = $"commit {name}";
                await EndAsync(one, static transaction => transaction.CommitAsync());
                one.Sent.ForEach(accept);
                break;
            default:
                Last = $"roll {name} back";
                await EndAsync(one, static transaction => transaction.RollbackAsync());
                break;
        }
    }

    private async Task EndAsync(Open one, Func<StoreTransaction, ValueTask> end)
    {
        open.Remove(one);
        await using StoreTransaction transaction = one.Transaction;
        await end(transaction);
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(open.Select(static one => one.Transaction.DisposeAsync().AsTask()));

    private sealed class Open(StoreTransaction transaction)
    {
        public StoreTransaction Transaction => transaction;
        public List<(int Partition, string Text)> Sent { get; } = [];
        public int? Saved { get; set; }
    }
}
