namespace Sluice;

/// <summary>What becomes of a shared source that is rewritten: one value, for all of its users.</summary>
/// <param name="rewritten">The value.</param>
/// <param name="count">How many users are rewritten; the last one rewrites what is before it, as the last one that is built builds it.</param>
internal sealed class SharedUse(object rewritten, int count)
{
    public object Rewritten => rewritten;

    public int Count { get; } = count;

    public int Left { get; set; } = count;
}

/// <summary>Whether the program shares sources at all: those that do not pay nothing for it.</summary>
internal static class Sharing
{
    private static volatile bool isUsed;

    public static bool IsUsed => isUsed;

    public static void Use() => isUsed = true;
}

/// <summary>Looks at a graph and changes nothing: visits what is before a shared source once.</summary>
internal abstract class Finder : Rewriter
{
    private readonly Dictionary<object, int> uses = new(ReferenceEqualityComparer.Instance);

    /// <summary>The shared sources, and how many users each has.</summary>
    public Dictionary<object, int> Uses => uses;

    public sealed override bool Changes(ISharedSource shared)
    {
        int known = uses.GetValueOrDefault(shared);
        uses[shared] = known + 1;
        if (known == 0) shared.Visit(this);
        return false;
    }
}

/// <summary>Finds the shared sources that lead to a piece of a graph.</summary>
internal sealed class SharedFinder : Finder
{
    public static Dictionary<object, int> In<T>(Source<T> source)
    {
        var finder = new SharedFinder();
        source.Rewrite(finder);
        return finder.Uses;
    }
}

/// <summary>Finds out whether a piece of a graph begins at an open end.</summary>
internal sealed class OpenFinder(object open) : Finder
{
    public bool HasFound { get; private set; }

    public override bool TakesApart => false;

    /// <summary>Whether something before a shared source begins there.</summary>
    public static bool Finds(object open, ISharedSource shared)
    {
        var finder = new OpenFinder(open);
        shared.Visit(finder);
        return finder.HasFound;
    }

    public override Source<T> Open<T>(OpenSource<T> found)
    {
        HasFound |= ReferenceEquals(found, open);
        return found;
    }
}
