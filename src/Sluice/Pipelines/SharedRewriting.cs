namespace Sluice.Pipelines;

/// <summary>The rewritten copy of a shared source: one object for all of its users.</summary>
/// <param name="rewritten">The copy.</param>
/// <param name="count">The number of users. The last user rewrites the stages before the source, as the last user that is built builds
/// them.</param>
internal sealed class SharedUse(object rewritten, int count)
{
    public object Rewritten => rewritten;

    public int Count { get; } = count;

    public int Left { get; set; } = count;
}

/// <summary>Tells whether the program shares sources at all. Programs that do not share pay nothing for it.</summary>
internal static class Sharing
{
    private static volatile bool isUsed;

    public static bool IsUsed => isUsed;

    public static void Use() => isUsed = true;
}

/// <summary>Searches a graph without a change to it. It visits the stages before a shared source once.</summary>
internal abstract class Finder : Rewriter
{
    private readonly Dictionary<object, int> uses = new(ReferenceEqualityComparer.Instance);

    /// <summary>The shared sources, each with its number of users.</summary>
    public Dictionary<object, int> Uses => uses;

    public sealed override bool Changes(ISharedSource shared)
    {
        int known = uses.GetValueOrDefault(shared);
        uses[shared] = known + 1;
        if (known == 0) shared.Visit(this);
        return false;
    }
}

/// <summary>Finds the shared sources before a part of a graph.</summary>
internal sealed class SharedFinder : Finder
{
    public static Dictionary<object, int> In<T>(Source<T> source)
    {
        var finder = new SharedFinder();
        _ = source.Rewrite(finder);
        return finder.Uses;
    }
}

/// <summary>Finds out whether a part of a graph begins at an open end.</summary>
internal sealed class OpenFinder(object open) : Finder
{
    public bool HasFound { get; private set; }

    public override bool TakesApart => false;

    /// <summary>Whether a stage before a shared source begins at the open end.</summary>
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
