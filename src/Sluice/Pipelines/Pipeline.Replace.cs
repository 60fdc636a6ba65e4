namespace Sluice;

// Replacing nodes: for tests that put a probe in the place of a source or a sink, and for variants of a pipeline.
public sealed partial class Pipeline
{
    /// <summary>The same pipeline with another source under the name of one of its sources.</summary>
    /// <param name="name">The name of a source in <see cref="Topology"/>.</param>
    /// <param name="replacement">What is to stand there; it gets the name.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="InvalidOperationException">The node is no source of this type.</exception>
    public Pipeline Replace<T>(string name, Source<T> replacement) => Replaced(name, replacement);

    /// <summary>The same pipeline with another stage, or several, under the name of one of its stages.</summary>
    /// <remarks>Annotations of the replaced stage go with it, but for its name. The last stage of the replacement gets the name.</remarks>
    /// <param name="name">The name of a stage in <see cref="Topology"/>.</param>
    /// <param name="replacement">What is to stand there.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="InvalidOperationException">The node takes or puts out other types, or is no stage.</exception>
    public Pipeline Replace<TIn, TOut>(string name, Pipe<TIn, TOut> replacement) => Replaced(name, replacement);

    /// <summary>The same pipeline with another sink under the name of one of its sinks.</summary>
    /// <param name="name">The name of a sink in <see cref="Topology"/>.</param>
    /// <param name="replacement">What is to stand there; its last stage gets the name.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="InvalidOperationException">The node is no sink of this type.</exception>
    public Pipeline Replace<T>(string name, Sink<T> replacement)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        return Replaced(name, replacement.Pipe);
    }

    private Pipeline Replaced(string name, object replacement)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        TopologyRecorder drawn = RunBuilder.Draw(this);
        int number = drawn.NumberOf(drawn.Topology.Find(name));
        return new Pipeline(Tail.Rewrite(new NodeReplacer(number, name, replacement, SharedFinder.In(Tail))));
    }
}
