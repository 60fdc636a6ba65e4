using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Sluice.Tests.Topologies;

/// <summary>What can be seen in an SVG of a graph: the boxes by node, and the points that each edge passes.</summary>
internal sealed partial class Picture
{
    private const int PointsOfACurve = 24;
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public required Box Page { get; init; }

    public Dictionary<int, Box> Boxes { get; } = [];

    public Dictionary<int, List<(double X, double Y)>> Edges { get; } = [];

    public static Picture Of(string svg)
    {
        XElement root = XDocument.Parse(svg).Root!;
        var picture = new Picture { Page = new(0, 0, Number(root, "width"), Number(root, "height")) };
        foreach (XElement group in root.Elements(Svg + "g"))
        {
            if ((int?)group.Attribute("data-node") is { } node)
            {
                XElement box = group.Element(Svg + "rect")!;
                picture.Boxes[node] = new(Number(box, "x"), Number(box, "y"), Number(box, "width"), Number(box, "height"));
            }
            else picture.Edges[(int)group.Attribute("data-edge")!] = Follow(group.Element(Svg + "path")!.Attribute("d")!.Value);
        }
        return picture;
    }

    /// <summary>How often two edges cross, apart from the boxes where they begin or end.</summary>
    public int Crossings()
    {
        (double X, double Y)[][] lines = [.. Edges.Values.Select(static points => points.ToArray())];
        int crossings = 0;
        for (int a = 0; a < lines.Length; a++)
            for (int b = a + 1; b < lines.Length; b++)
                if (Cross(lines[a], lines[b])) crossings++;
        return crossings;
    }

    private static double Number(XElement element, string name)
        => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static List<(double X, double Y)> Follow(string path)
    {
        List<(double X, double Y)> points = [];
        (double x, double y) = (0, 0);
        foreach (Match step in Step().Matches(path))
        {
            double[] to = [.. step.Groups[2].Value.Split(' ').Select(static n => double.Parse(n, CultureInfo.InvariantCulture))];
            (double fromX, double fromY) = (x, y);
            (x, y) = step.Groups[1].Value == "H" ? (to[0], y) : (to[^2], to[^1]);
            if (step.Groups[1].Value == "M") points.Add((x, y));
            else for (int i = 1; i <= PointsOfACurve; i++)
            {
                double t = (double)i / PointsOfACurve, u = 1 - t;
                points.Add(step.Groups[1].Value == "H" ? (fromX + ((x - fromX) * t), y)
                    : ((u * u * u * fromX) + (3 * u * u * t * to[0]) + (3 * u * t * t * to[2]) + (t * t * t * x),
                        (u * u * u * fromY) + (3 * u * u * t * to[1]) + (3 * u * t * t * to[3]) + (t * t * t * y)));
            }
        }
        return points;
    }

    private static bool Cross((double X, double Y)[] one, (double X, double Y)[] other)
    {
        for (int i = 1; i < one.Length; i++)
            for (int j = 1; j < other.Length; j++)
            {
                double a = Side(one[i - 1], one[i], other[j - 1]), b = Side(one[i - 1], one[i], other[j]);
                double c = Side(other[j - 1], other[j], one[i - 1]), d = Side(other[j - 1], other[j], one[i]);
                if (a * b < 0 && c * d < 0) return true;
            }
        return false;
    }

    private static double Side((double X, double Y) a, (double X, double Y) b, (double X, double Y) c)
        => ((b.X - a.X) * (c.Y - a.Y)) - ((b.Y - a.Y) * (c.X - a.X));

    [GeneratedRegex("([MHC])([-0-9. ]+)")]
    private static partial Regex Step();
}

/// <summary>A rectangle of a picture.</summary>
internal readonly record struct Box(double X, double Y, double Width, double Height)
{
    private const double Rounding = 0.2;

    public bool Contains(Box other)
        => other.X >= X && other.Y >= Y && other.X + other.Width <= X + Width && other.Y + other.Height <= Y + Height;

    public bool Meets(Box other)
        => X < other.X + other.Width && other.X < X + Width && Y < other.Y + other.Height && other.Y < Y + Height;

    public bool IsInside((double X, double Y) point) => IsNear(point, -Rounding);

    public bool Touches((double X, double Y) point) => IsNear(point, Rounding) && !IsNear(point, -Rounding);

    public bool IsNear((double X, double Y) point, double by)
        => point.X > X - by && point.X < X + Width + by && point.Y > Y - by && point.Y < Y + Height + by;
}
