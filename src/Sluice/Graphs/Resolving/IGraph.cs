using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>A <see cref="Graph{TRequest}"/> of any type of requests: what dashboards and scripts need to watch it.</summary>
/// <remarks>Thread-safe. A host (<c>AddSluice</c>) registers each of its graphs as a service of this type, too.</remarks>
public interface IGraph
{
    /// <summary>The type of the requests.</summary>
    Type RequestType { get; }

    /// <inheritdoc cref="Graph{TRequest}.Topology"/>
    Topology Topology { get; }

    /// <inheritdoc cref="Graph{TRequest}.Watch"/>
    IDisposable Watch(Action<GraphContext, Exception?> ended, int maxTimedPerSecond = int.MaxValue);

    /// <inheritdoc cref="Graph{TRequest}.OldestRunning"/>
    TimeSpan? OldestRunning { get; }

    /// <inheritdoc cref="Graph{TRequest}.InFlight"/>
    int InFlight { get; }
}
