namespace Sluice;

// Logging nodes by name: for a look into a pipeline that somebody else has written.
public sealed partial class Pipeline
{
    /// <summary>The same pipeline, in which a node reports its items: <c>pipeline.Log("g", "input").RunAsync()</c>.</summary>
    /// <remarks>A log that the node has already (<see cref="Stage.Log"/>) goes on. What the log throws fails the node at that item.</remarks>
    /// <param name="node">The name of a source, stage or sink in <see cref="Topology"/>.</param>
    /// <param name="what"><c>"input"</c> for items that go in, <c>"output"</c> for those that come out, <c>"both"</c>.</param>
    /// <param name="log">Called with each; in a parallel stage by several threads. Standard output gets a line for each unless given.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="ArgumentException">Another word than these; or the node has no such side, as a source has no input.</exception>
    /// <exception cref="InvalidOperationException">The node is a branch or a fan-in, which is no function.</exception>
    public Pipeline Log(string node, string what = "both", Action<ItemLogEntry>? log = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        (bool isInput, bool isOutput) = what switch
        {
            "input" => (true, false),
            "output" => (false, true),
            "both" => (true, true),
            _ => throw new ArgumentException($"'{what}' is nothing that a node logs. Say \"input\", \"output\" or \"both\".", nameof(what)),
        };
        TopologyRecorder drawn = RunBuilder.Draw(this);
        TopologyNode found = drawn.Topology.Find(node);
        if (isInput && !isOutput && found.InputType is null) throw new ArgumentException($"'{node}' is a {found.Kind} and has no input. Log its output.", nameof(what));
        if (isOutput && !isInput && found.OutputType is null) throw new ArgumentException($"'{node}' is a {found.Kind} and has no output. Log its input.", nameof(what));
        log ??= static line => Console.WriteLine(line);
        Action<ItemLogEntry> chosen = isInput && isOutput ? log : line =>
        {
            if (line.IsOutput == isOutput) log(line);
        };
        return new Pipeline(Tail.Rewrite(new NodeAnnotator(drawn.NumberOf(found), node, StagePolicy.AlsoLog(chosen), SharedFinder.In(Tail))));
    }
}

/// <summary>Annotates one node.</summary>
/// <param name="number">The number of the node.</param>
/// <param name="name">Its name.</param>
/// <param name="annotation">About it.</param>
/// <param name="uses">How many users each shared source of the pipeline has.</param>
internal sealed class NodeAnnotator(int number, string name, StagePolicy annotation, Dictionary<object, int> uses) : NodeRewriter(number, uses)
{
    public override Source<T> Source<T>(Source<T> original) => original.Annotate(annotation);

    public override Source<TOut> Stage<TIn, TOut>(Source<TIn> before, Source<TOut> original) => original.Annotate(annotation);

    public override Exception CannotReplace(string kind)
        => new InvalidOperationException($"The node '{name}' is a {kind}, which is part of how the pipeline is wired and has no log. Log the nodes around it.");
}
