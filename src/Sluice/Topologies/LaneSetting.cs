namespace Sluice.Topologies;

/// <summary>The setting that gives a node of a pipeline more lanes, for advice (<see cref="TopologyNode.LanesBy"/>).</summary>
public enum LaneSetting
{
    /// <summary>None: a source, a branch, a fan-in, a stage of which only one instance may exist, or a node of a graph or a flow.</summary>
    None,

    /// <summary><c>Stage.Parallel</c>.</summary>
    Parallel,

    /// <summary>A <c>Stage.KeyBy</c> before the node: it remembers earlier items, so <c>Stage.Parallel</c> does not fit.</summary>
    KeyBy,

    /// <summary>The number of lanes of the <c>Stage.KeyBy</c> that the node has.</summary>
    KeyByLanes,

    /// <summary><see cref="ProcessOptions.Workers"/>: the node's code runs in child processes.</summary>
    Workers,
}
