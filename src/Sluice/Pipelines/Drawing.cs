using Sluice.Topologies;

namespace Sluice.Pipelines;

/// <summary>Draws the topology of a source, pipe or sink that is no complete pipeline.</summary>
internal sealed class Drawing(Action<RunBuilder> build) : IBlueprint
{
    public static Topology Of(Action<RunBuilder> build) => RunBuilder.Draw(new Drawing(build)).Topology;

    /// <summary>Returns the definition on one line, for <c>ToString</c>. It never throws: if a piece cannot be drawn, the text says
    /// why.</summary>
    public static string Text(Func<Topology> draw, Type item)
    {
        try
        {
            Topology topology = draw();
            return topology.Nodes.Count == 0 ? $"Pipe.Of<{TypeNames.Of(item)}>()" : DefinitionText.Of(topology);
        }
        catch (Exception e)
        {
            return $"(cannot be drawn: {FailureText.MessageOf(e)})";
        }
    }

    public void Build(RunBuilder builder) => build(builder);
}
