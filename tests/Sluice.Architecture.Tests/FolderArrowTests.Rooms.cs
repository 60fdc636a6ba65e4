using Microsoft.CodeAnalysis;

namespace Sluice.Architecture.Tests;

/// <content>
/// The sub-folders of a folder are its rooms. The uses between the rooms of one folder have no cycle, so a reader can read each room
/// after the rooms that it uses. Files directly in a folder belong to all of its rooms: their uses do not count, and neither do uses of
/// them.
/// </content>
public partial class FolderArrowTests
{
    [Fact]
    public void RoomsOfAFolderHaveNoCycle()
    {
        var cycles = Cycles(SymbolUse.InPackage("Sluice"));

        Assert.True(cycles.Count == 0, $"rooms that use each other, directly or by way of others:\n{string.Join('\n', cycles)}");
    }

    [Fact]
    public void ACycleOfRoomsIsNamed()
    {
        List<SymbolUse> uses =
        [
            .. SymbolUse.In(Compiler.Compile("Sluice",
            [
                ("src/Sluice/Engine/Run.cs", "namespace Sluice; class Run { Lane? lane; }"),
                ("src/Sluice/Engine/Lanes/Lane.cs", "namespace Sluice; class Lane\n{\n    Queue? queue;\n    Run? run;\n}"),
                ("src/Sluice/Engine/Queues/Queue.cs", "namespace Sluice; class Queue { Fork? fork; }"),
                ("src/Sluice/Engine/Forks/Fork.cs", "namespace Sluice; class Fork { Lane? lane; }"),
                ("src/Sluice/Engine/State/Row.cs", "namespace Sluice; class Row { Lane? lane; }"),
            ], OutputKind.DynamicallyLinkedLibrary)),
        ];

        Assert.Equal(
        [
            "Engine: Forks -> Lanes (1 uses: src/Sluice/Engine/Forks/Fork.cs:1 Lane)",
            "Engine: Lanes -> Queues (1 uses: src/Sluice/Engine/Lanes/Lane.cs:3 Queue)",
            "Engine: Queues -> Forks (1 uses: src/Sluice/Engine/Queues/Queue.cs:1 Fork)",
        ], Cycles(uses));
    }

    /// <summary>The arrows between rooms that are part of a cycle.</summary>
    private static List<string> Cycles(IEnumerable<SymbolUse> uses)
    {
        var arrows = uses.Select(static use => (Use: use, Arrow: ArrowOf(use))).Where(static use => use.Arrow is not null)
            .ToLookup(static use => use.Arrow!, static use => use.Use);
        HashSet<Arrow> all = [.. arrows.Select(static uses => uses.Key)];
        IEnumerable<string> cycles = all.Where(arrow => Leads(arrow.To, arrow.From, arrow.Folder, all)).Select(arrow =>
        {
            SymbolUse first = arrows[arrow].OrderBy(static use => use.Path, StringComparer.Ordinal).ThenBy(static use => use.Line).First();
            return $"{arrow} ({arrows[arrow].Count()} "
                + $"uses: {first.Path}:{first.Line} {first.Symbol})";
        });
        return [.. cycles.Order(StringComparer.Ordinal)];
    }

    private static bool Leads(string from, string to, string folder, HashSet<Arrow> arrows)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var next = new Stack<string>([from]);
        while (next.TryPop(out var room))
        {
            if (room == to) return true;
            if (!seen.Add(room)) continue;
            foreach (var arrow in arrows)
                if (arrow.Folder == folder && arrow.From == room) next.Push(arrow.To);
        }
        return false;
    }

    /// <summary>
    /// The arrow of a use from one room to another of the same folder; null for all other uses. A type whose parts are in several rooms
    /// belongs to none.
    /// </summary>
    private static Arrow? ArrowOf(SymbolUse use)
    {
        if (RoomOf(use.Path) is not { } from) return null;
        return use.Symbol.Files.Select(RoomOf).Distinct().ToList() is [{ } to]
            && to.Folder == from.Folder && to.Room != from.Room
            ? new(from.Folder, from.Room, to.Room)
            : null;
    }

    private static (string Folder, string Room)? RoomOf(string? path)
        => path?.Split('/') is ["src", "Sluice", var folder, var room, _, ..] ? (folder, room) : null;

    private sealed record Arrow(string Folder, string From, string To)
    {
        public override string ToString() => $"{Folder}: {From} -> {To}";
    }
}
