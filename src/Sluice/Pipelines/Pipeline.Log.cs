using Sluice.Diagnostics;
using Sluice.Pipelines;
using Sluice.Topologies;

namespace Sluice;

// Logging nodes by name: for diagnosis of a pipeline whose source you do not want to change.
public sealed partial class Pipeline
{
    /// <summary>Returns a copy of the pipeline in which one node logs its items: <c>pipeline.Log("g", "input").RunAsync()</c>.</summary>
    /// <remarks>A log that the node already has (<see cref="Stage.Log"/>) stays. If your log throws, the node fails at that item.</remarks>
    /// <param name="node">The name of a source, stage or sink in <see cref="Topology"/>.</param>
    /// <param name="what"><c>"input"</c> for items that go into the node, <c>"output"</c> for items that come out, <c>"both"</c> for
    /// both.</param>
    /// <param name="log">Called for each item; several threads call it at a time if the stage is parallel. By default, each item is a line
    /// on standard output, with codes in place of control characters.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="ArgumentException">The word is none of these; or the node has no such side, as a source has no input.</exception>
    /// <exception cref="InvalidOperationException">The node is a branch or a fan-in, which is no function.</exception>
    public Pipeline Log(string node, string what = "both", Action<ItemLogEntry>? log = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        AsyncVoid.RefuseCallback(log);
        (bool isInput, bool isOutput) = what switch
        {
            "input" => (true, false),
            "output" => (false, true),
            "both" => (true, true),
            _ => throw new ArgumentException($"'{what}' is nothing that a node logs. Say \"input\", \"output\" or \"both\".", nameof(what)),
        };
        TopologyRecorder drawn = RunBuilder.Draw(this);
        TopologyNode found = drawn.Topology.Find(node);
        if (isInput && !isOutput && found.InputType is null)
            throw new ArgumentException($"'{node}' is a {found.Kind} and has no input. Log its output.", nameof(what));
        if (isOutput && !isInput && found.OutputType is null)
            throw new ArgumentException($"'{node}' is a {found.Kind} and has no output. Log its input.", nameof(what));
        log ??= static line => Console.WriteLine(Warnings.Visible(line.ToString()));
        Action<ItemLogEntry> chosen = isInput && isOutput ? log : line =>
        {
            if (line.IsOutput == isOutput) log(line);
        };
        return new Pipeline(Tail.Rewrite(new NodeAnnotator(drawn.NumberOf(found), node, StagePolicy.AlsoLog(chosen),
            SharedFinder.In(Tail))));
    }
}

/// <summary>Annotates one node of a pipeline.</summary>
/// <param name="number">The number of the node.</param>
/// <param name="name">The name of the node.</param>
/// <param name="policy">The policy.</param>
/// <param name="uses">The shared sources of the pipeline, each with its number of users.</param>
internal sealed class NodeAnnotator(int number, string name, StagePolicy policy, Dictionary<object, int> uses)
    : NodeRewriter(number, uses)
{
    public override Source<T> Source<T>(Source<T> original) => original.Annotate(policy);

    public override Source<TOut> Stage<TIn, TOut>(Source<TIn> before, Source<TOut> original) => original.Annotate(policy);

    public override Exception CannotReplace(string kind)
        => new InvalidOperationException(
        $"The node '{name}' is a {kind}, which is part of how the pipeline is wired and has no log. Log the nodes around it.");
}
