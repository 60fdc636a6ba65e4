using Sluice.Graphs;

namespace Sluice.Dashboard.Sampling;

/// <summary>Finds what the program has registered, anew each time: a host registers its objects before they are made.</summary>
internal sealed record HostParts(Func<IEnumerable<IConsecutor>> Consecutors, Func<IEnumerable<IHostedPipeline>> Pipelines,
    Func<IEnumerable<IGraph>> Graphs, Func<IStreamStore?> Store);
