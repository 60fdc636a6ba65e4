using System.Text;
using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>Writes a line per item into a stream of the store, within the commits.</summary>
/// <param name="mark">What kind of line it is.</param>
internal sealed class ResultSink(string mark) : TransactionalSink<Work>
{
    public const string Stream = "results";

    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

    protected override ValueTask PrepareAsync(SinkCommit<Work> commit, CancellationToken cancellation)
    {
        var lines = new EntryBatch { Stream = Stream };
        foreach (StagedItem<Work> item in commit.Items)
            lines.Add(Encoding.UTF8.GetBytes($"{mark} {item.Value.Number} {item.Id} {item.Value.Trace}"));
        commit.Append(new(Stream, lines));
        return default;
    }
}
