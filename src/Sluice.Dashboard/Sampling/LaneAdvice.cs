using Sluice.Topologies;

namespace Sluice.Dashboard.Sampling;

/// <summary>Says where the lanes of the slowest node are, and what can make it faster: only what the engine accepts for the node.</summary>
internal static class LaneAdvice
{
    private const int MaxLanes = 1024;

    /// <summary>The advice; goes on in a sentence.</summary>
    /// <param name="slowest">The node.</param>
    /// <param name="owner">The consecutor that has the node; null for a pipeline.</param>
    public static string Of(NodeSample slowest, ConsecutorSample? owner)
    {
        NodeSnapshot node = slowest.Node;
        string limit = $"`{VisibleText.Shorten(node.Name, 60)}` is the slowest node"
            + $"{(slowest.PerSecond is { } rate ? $", at {Shown.Rate(rate)}" : "")}. ";
        if (node.Node.InputType is null)
            return limit + (owner is null ? "It is a source: make it faster, or merge several with Source.Merge."
                : $"The store gives it no more items: look how long its calls take{(More(owner) is { } other ? $", or {other}" : "")}.");
        string[] ways = [.. Ways(node, owner)];
        string faster = $"make {(node.Node.Function is null ? "it" : Code(node))} faster";
        return $"{limit}{Where(node)}{(ways.Length == 0 ? faster : $"{string.Join(", ", ways)}, or {faster}")}.";
    }

    /// <summary>The name of the node's code, in backquotes.</summary>
    public static string Code(NodeSnapshot node)
        => node.Node.Function is { } function ? $"`{VisibleText.Shorten(function, 60)}`" : "its code";

    private static string Where(NodeSnapshot node) => (node.Lanes, node.BusyLanes) switch
    {
        (1, 1) => $"Its only lane is in {Code(node)}: ",
        (1, _) => "It has one lane: ",
        (var all, var busy) when busy == all => $"Its {all} lanes are all in {Code(node)}: ",
        (var all, > 0 and var busy) => $"{busy} of its {all} lanes {(busy == 1 ? "is" : "are")} in {Code(node)} at the moment: ",
        (var all, _) => $"It has {all} lanes: ",
    };

    private static IEnumerable<string> Ways(NodeSnapshot node, ConsecutorSample? owner)
    {
        if (node.Lanes < MaxLanes && node.Node.LanesBy switch
        {
            LaneSetting.Parallel when node.Lanes == 1 => "give it more with Stage.Parallel",
            LaneSetting.Parallel => "raise its Stage.Parallel",
            LaneSetting.KeyByLanes => "give its KeyBy more lanes",
            LaneSetting.KeyBy => "it remembers earlier items, so put a Stage.KeyBy before it if it needs only those of the same key",
            LaneSetting.Workers => "raise its ProcessOptions.Workers",
            _ => null,
        } is { } setting)
            yield return setting;
        if (owner is null || node.Node.LanesBy is LaneSetting.Parallel or LaneSetting.Workers) yield break;
        if (More(owner) is { } more) yield return more;
    }

    /// <summary>Another process, if it would get partitions; more partitions otherwise. Null if that is not known.</summary>
    public static string? More(ConsecutorSample owner) => owner.Group?.Look is not { } look ? null
        : look.Partitions.Count == 1 ? "give the consecutor a Key and a new name, so that its stream has 64 partitions and not one"
        : look.Members.Count < look.Partitions.Count ? $"start another process, which takes over some of the {look.Partitions.Count} "
            + "partitions"
        : null;
}
