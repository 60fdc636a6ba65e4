namespace Sluice.Topologies;

/// <summary>Where everything of a graph is on the page: boxes in columns, and edges that pass between them.</summary>
/// <remarks>
/// A column is as wide as its widest box. An edge bends only between two columns, and passes a column at the height of its bend, which
/// keeps its distance from boxes: so no edge crosses a box.
/// </remarks>
internal sealed class SvgPage
{
    private const double MinGap = 44, Margin = 16, PortDistance = 9, LabelDistance = 14;

    private readonly LayerGraph graph;
    private readonly Func<int, double> labelWidth;
    private readonly Dictionary<Link, (double From, double To)> ports = [];
    private readonly double[] left, right, middle;

    private SvgPage(LayerGraph graph, IReadOnlyList<(double Width, double Height)> sizes, Func<int, double> labelWidth)
    {
        (this.graph, this.labelWidth) = (graph, labelWidth);
        CrossingReduction.Reduce(graph);
        var heights = new double[graph.Places];
        for (int place = 0; place < graph.Places; place++)
        {
            double links = Math.Max((graph.Into(place).Count - 1) * PortDistance, (graph.OutOf(place).Count - 1) * Distance(place));
            heights[place] = graph.IsBend(place) ? 2 : Math.Max(sizes[place].Height, links + 20);
        }
        SetPorts();
        middle = Straightening.Place(graph, heights, ports);
        (left, right) = (new double[graph.Layers.Length], new double[graph.Layers.Length]);
        SetColumns(sizes);
        Boxes = [.. Enumerable.Range(0, graph.Nodes).Select(node => new SvgBox(
            left[graph.LayerOf(node)] + Margin, middle[node] - (heights[node] / 2) + Margin, sizes[node].Width, heights[node]))];
        Width = right.DefaultIfEmpty().Last() + (2 * Margin);
        Height = middle.Select((y, place) => y + (heights[place] / 2)).DefaultIfEmpty().Max() + (2 * Margin);
    }

    /// <summary>The box of each node, by id.</summary>
    public SvgBox[] Boxes { get; }

    public double Width { get; }

    public double Height { get; }

    /// <summary>Lays a graph out.</summary>
    /// <param name="graph">The graph in layers; its order changes.</param>
    /// <param name="sizes">The least size of each node.</param>
    /// <param name="labelWidth">The width of the label of an edge; 0 for none.</param>
    public static SvgPage Of(LayerGraph graph, IReadOnlyList<(double Width, double Height)> sizes, Func<int, double> labelWidth)
        => new(graph, sizes, labelWidth);

    /// <summary>The curves of an edge: each begins where the one before has ended, and leads from one column to the next; between two of
    /// them, the edge passes a column in a straight line.</summary>
    public IEnumerable<SvgCurve> Curves(int edge)
    {
        List<int> way = graph.Ways[edge];
        for (int i = 1; i < way.Count; i++)
        {
            var link = new Link(way[i - 1], way[i], edge);
            (double from, double to) = ports[link];
            double start = graph.IsBend(link.From) ? right[graph.LayerOf(link.From)] : Boxes[link.From].X + Boxes[link.From].Width - Margin;
            yield return new(start + Margin, middle[link.From] + from + Margin, left[graph.LayerOf(link.To)] + Margin,
                middle[link.To] + to + Margin,
                Math.Max(right[graph.LayerOf(link.From)], graph.IsBend(link.From) ? 0 : start + Label(edge)) + Margin);
        }
    }

    private double Label(int edge) => labelWidth(edge) is > 0 and var width ? width + 8 : 0;

    // Labels stand between the links that leave a box.
    private double Distance(int place) => graph.OutOf(place).Exists(link => labelWidth(link.Edge) > 0) ? LabelDistance : PortDistance;

    // The links of a box begin and end below one another, in the order of their other ends.
    private void SetPorts()
    {
        var position = new int[graph.Places];
        foreach (int[] layer in graph.Layers) for (int i = 0; i < layer.Length; i++) position[layer[i]] = i;
        for (int place = 0; place < graph.Places; place++)
        {
            int n = 0;
            List<Link> links = graph.OutOf(place);
            foreach (Link link in links.OrderBy(link => position[link.To]).ThenBy(static link => link.Edge))
                ports[link] = ((n++ - ((links.Count - 1) / 2.0)) * Distance(place), 0);
        }
        for (int place = 0; place < graph.Places; place++)
        {
            int n = 0;
            List<Link> links = graph.Into(place);
            foreach (Link link in links.OrderBy(link => position[link.From]).ThenBy(link => ports[link].From))
                ports[link] = (ports[link].From, (n++ - ((links.Count - 1) / 2.0)) * PortDistance);
        }
    }

    private void SetColumns(IReadOnlyList<(double Width, double Height)> sizes)
    {
        double at = 0;
        for (int layer = 0; layer < graph.Layers.Length; layer++)
        {
            left[layer] = at;
            right[layer] = at + graph.Layers[layer].Where(place => !graph.IsBend(place)).Select(place => sizes[place].Width)
                .DefaultIfEmpty(8).Max();
            double label = 0, steepest = 0;
            foreach (Link link in graph.Layers[layer].SelectMany(graph.OutOf))
            {
                if (!graph.IsBend(link.From)) label = Math.Max(label, Label(link.Edge));
                steepest = Math.Max(steepest, Math.Abs(middle[link.From] + ports[link].From - middle[link.To] - ports[link].To));
            }
            at = right[layer] + MinGap + Math.Min(60, steepest / 4) + label;
        }
    }
}

/// <summary>The box of a node.</summary>
/// <param name="X">Its left side.</param>
/// <param name="Y">Its upper side.</param>
/// <param name="Width">Its width.</param>
/// <param name="Height">Its height.</param>
internal readonly record struct SvgBox(double X, double Y, double Width, double Height);

/// <summary>A part of an edge: straight from a box to the end of its column, and bent from there to the next column.</summary>
/// <param name="X">Where it begins.</param>
/// <param name="Y">Its height there.</param>
/// <param name="EndX">Where it ends.</param>
/// <param name="EndY">Its height there.</param>
/// <param name="BendX">Where it begins to bend.</param>
internal readonly record struct SvgCurve(double X, double Y, double EndX, double EndY, double BendX);
