namespace Sluice;

/// <summary>Draws pieces that are no complete pipeline.</summary>
internal sealed class Drawing(Action<RunBuilder> build) : IBlueprint
{
    public static Topology Of(Action<RunBuilder> build) => RunBuilder.Draw(new Drawing(build)).Topology;

    /// <summary>What <c>ToString</c> returns: the definition on one line. It never throws; a piece that cannot be drawn says why.</summary>
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
