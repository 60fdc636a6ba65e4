namespace Sluice.Topologies;

/// <summary>
/// Draws a graph for a terminal. A chain is <c>a | b | c</c>, or one line per node if it is long or labelled. Branches hang below it as a
/// tree. A node with several incoming edges is drawn once, below, and referred to by name.
/// </summary>
internal sealed class TextDrawing
{
    private const int Width = 100;

    // Deeper fan-outs continue in another section: their indentation would be larger than the tree.
    private const int Depth = 12;

    private readonly Topology topology;
    private readonly Func<TopologyNode, string?>? label;
    private readonly List<(string Text, string? Label)> lines = [];
    private readonly Stack<Branch> branches = new();
    private readonly Stack<TopologyNode> continued = new();

    private TextDrawing(Topology topology, Func<TopologyNode, string?>? label)
    {
        this.topology = topology;
        this.label = label;
    }

    internal static string Draw(Topology topology, Func<TopologyNode, string?>? label)
    {
        var drawing = new TextDrawing(topology, label);
        foreach (var node in topology.InOrder())
        {
            if (topology.Incoming(node).Count == 1) continue; // drawn below its only upstream node
            drawing.Section(node);
            while (drawing.continued.TryPop(out var deep)) drawing.Section(deep);
        }

        return drawing.Align();
    }

    private void Section(TopologyNode root)
    {
        if (lines.Count > 0) lines.Add(("", null));
        branches.Push(new(root, "", "", null, 0));
        while (branches.TryPop(out var branch)) Chain(branch);
    }

    private void Chain(Branch branch)
    {
        var port = branch.Port is null ? "" : $"{Printable.Of(branch.Port)}: ";
        var isReference = branch.Depth > 0 && topology.Incoming(branch.Node).Count > 1;
        if (isReference || branch.Depth > Depth)
        {
            lines.Add(($"{branch.First}{port}{Reference(branch.Node)}", null));
            if (!isReference) continued.Push(branch.Node);
            return;
        }

        var chain = new List<TopologyNode> { branch.Node };
        var next = topology.Outgoing(branch.Node);
        while (next is [{ Port: null, To: var only }] && topology.Incoming(only).Count == 1)
        {
            chain.Add(only);
            next = topology.Outgoing(only);
        }

        // A single merge at the end is written on the line itself, not as a branch.
        var tail = next is [{ Port: null, To: var merge }] ? $" {Reference(merge)}" : "";
        AddChain(chain, branch, port, tail);
        if (tail.Length > 0) return;
        for (var i = next.Count - 1; i >= 0; i--)
        {
            var (first, rest) = i == next.Count - 1 ? ("└─ ", "   ") : ("├─ ", "│  ");
            branches.Push(new(next[i].To, branch.Rest + first, branch.Rest + rest, next[i].Port, branch.Depth + 1));
        }
    }

    private void AddChain(List<TopologyNode> chain, Branch branch, string port, string tail)
    {
        if (label is null)
        {
            var all = $"{branch.First}{port}{string.Join(" | ", chain.Select(Show))}{tail}";
            if (all.Length <= Width || chain.Count == 1)
            {
                lines.Add((all, null));
                return;
            }
        }

        for (var i = 0; i < chain.Count; i++)
        {
            var start = i == 0 ? branch.First + port : $"{branch.Rest}| ";
            var end = i == chain.Count - 1 ? tail : "";
            var beside = label?.Invoke(chain[i]) is { Length: > 0 } text ? Printable.Of(text) : null;
            lines.Add((start + Show(chain[i]) + end, beside));
        }
    }

    private string Align()
    {
        var column = lines.Where(line => line.Label is not null).Select(line => line.Text.Length).DefaultIfEmpty().Max();
        column = Math.Min(column, Width / 2) + 2;
        var text = new StringBuilder();
        foreach (var (left, right) in lines)
        {
            if (text.Length > 0) text.Append('\n');
            text.Append(right is null ? left : left.PadRight(column));
            if (right is not null) text.Append(left.Length >= column ? "  " : "").Append(right);
        }

        return text.ToString();
    }

    private static string Show(TopologyNode node) => Printable.Of(node.ToString());

    private static string Reference(TopologyNode node) => $"→ {Printable.Of(node.Name)}";

    private readonly record struct Branch(TopologyNode Node, string First, string Rest, string? Port, int Depth);
}
