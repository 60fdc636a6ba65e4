using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A file that outlives its processes, and a sink that writes it by committed lengths, as the file sink does.</summary>
internal sealed class Ledger
{
    private readonly List<string> lines = [];

    public IReadOnlyList<string> Lines
    {
        get { lock (lines) return [.. lines]; }
    }

    public Sink<T> Sink<T>(string name = "ledger") => Sluice.Sink.Commit(() => new Writer<T>(this, name));

    private sealed class Writer<T>(Ledger ledger, string name) : TransactionalSink<T>
    {
        private long committed;

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
        {
            committed = state.FileLengths.GetValueOrDefault(name);
            Cut();
            return default;
        }

        protected override ValueTask PrepareAsync(SinkCommit<T> commit, CancellationToken cancellation)
        {
            lock (ledger.lines)
            {
                Assert.Equal(committed, ledger.lines.Count);
                foreach (StagedItem<T> item in commit.Items) ledger.lines.Add($"{item.Value}");
                commit.SetFileLength(name, ledger.lines.Count);
            }
            return default;
        }

        protected override ValueTask CommittedAsync(SinkCommit<T> commit, CancellationToken cancellation)
        {
            committed += commit.Items.Count;
            return default;
        }

        protected override ValueTask VoidedAsync(SinkCommit<T> commit, CancellationToken cancellation)
        {
            Cut();
            return default;
        }

        private void Cut()
        {
            lock (ledger.lines)
            {
                Assert.True(ledger.lines.Count >= committed, $"The ledger has {ledger.lines.Count} lines, and {committed} were committed.");
                ledger.lines.RemoveRange((int)committed, ledger.lines.Count - (int)committed);
            }
        }
    }
}
