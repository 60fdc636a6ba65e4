using System.Collections;
using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>
/// The nodes of a run that has completed, made when a caller first reads them: to draw the topology and to read the counters takes ten
/// times as long as a short run.
/// </summary>
/// <remarks>Thread-safe; no lock: the first thread that has made them sets them. It keeps the run until then.</remarks>
internal sealed class FinalNodes(PipelineRun run) : IReadOnlyList<NodeSnapshot>
{
    private readonly long taken = SnapshotTaker.Now(run);
    private PipelineRun? run = run;
    private NodeSnapshot[]? nodes;

    public int Count => Nodes.Length;

    public NodeSnapshot this[int index] => Nodes[index];

    private NodeSnapshot[] Nodes
    {
        get
        {
            if (Volatile.Read(ref nodes) is { } known) return known;
            PipelineRun? ended = Volatile.Read(ref run);
            if (ended is null) return Volatile.Read(ref nodes)!;     // another thread has been faster
            Interlocked.CompareExchange(ref nodes, SnapshotTaker.NodesOf(ended, taken), null);
            Volatile.Write(ref run, null);
            return nodes;
        }
    }

    public IEnumerator<NodeSnapshot> GetEnumerator() => ((IEnumerable<NodeSnapshot>)Nodes).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
