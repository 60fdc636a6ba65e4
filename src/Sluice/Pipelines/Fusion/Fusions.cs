namespace Sluice.Pipelines;

/// <summary>
/// Which fusions this process uses: all. The bench turns a single one off, to measure what it saves (scenario <c>fusions</c>). A pipeline
/// gives the same results with a fusion and without it.
/// </summary>
internal static class Fusions
{
    /// <summary>The name in <see cref="AppContext"/> of the fusion to leave out; set before the first pipeline.</summary>
    public const string Setting = "Sluice.WithoutFusion";

    private static readonly string? Off = AppContext.GetData(Setting) as string;

    public static readonly bool Maps = Off != "maps", AsyncMaps = Off != "async-maps", Steps = Off != "steps", Sinks = Off != "sinks",
        Routes = Off != "routes", Spans = Off != "spans";
}
