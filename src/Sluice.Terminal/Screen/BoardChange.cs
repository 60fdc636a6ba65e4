using Spectre.Console;
using Spectre.Console.Rendering;

namespace Sluice.Progress.Screen;

/// <summary>One change of the terminal: erases rows above the cursor, and writes others. It is written at once.</summary>
internal sealed class BoardChange(int erasedRows, string above, IReadOnlyList<BoardLine> lines) : IRenderable
{
    public Measurement Measure(RenderOptions options, int maxWidth) => new(0, maxWidth);

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        yield return Segment.Control(erasedRows > 0 ? $"\r\e[{erasedRows}A\e[J" : "\r");
        // Lines of the program keep their own colors.
        if (above.Length > 0) yield return Segment.Control(above);
        foreach (BoardLine line in lines)
        {
            yield return line.ToSegment();
            yield return Segment.LineBreak;
        }
    }
}
