namespace Sluice.Cli.Graphs;

/// <summary>
/// Draws a topology. It may belong to the version of Sluice that an assembly brings, which is another one than that of the command: both
/// have the same members, so they are called by name.
/// </summary>
internal static class GraphDrawing
{
    public static void Write(Screen screen, object graph, string format)
    {
        if (screen.IsJson)
        {
            screen.Json(Form(graph, null));
            return;
        }
        PictureFormat.Write(screen, graph, format);
    }

    /// <summary>The graph as JSON. The names are stable: scripts read them.</summary>
    public static object Form(object graph, string? run)
    {
        dynamic topology = graph;
        List<object> nodes = [], edges = [];
        foreach (dynamic node in topology.Nodes)
            nodes.Add(new { Name = (string)node.Name, Kind = (string)node.Kind, Signature = (string)node.Signature, node.Details });
        foreach (dynamic edge in topology.Edges)
            edges.Add(new { From = (string)edge.From.Name, To = (string)edge.To.Name, Port = (string?)edge.Port });
        return new { Run = run, Name = (string?)topology.Name, Nodes = nodes, Edges = edges };
    }
}
