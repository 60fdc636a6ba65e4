namespace Sluice;

/// <summary>Draws pieces that are no complete pipeline.</summary>
internal sealed class Drawing(Action<RunBuilder> build) : IBlueprint
{
    public static Topology Of(Action<RunBuilder> build) => RunBuilder.Draw(new Drawing(build)).Topology;

    public void Build(RunBuilder builder) => build(builder);
}
