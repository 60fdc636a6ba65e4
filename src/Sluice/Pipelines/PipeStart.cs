namespace Sluice;

/// <summary>Begins pipes.</summary>
public static partial class Pipe
{
    /// <summary>An empty pipe, to go on from: <c>Pipe.Of&lt;int&gt;() | Double | AddOne</c>.</summary>
    /// <typeparam name="T">The type of what goes in.</typeparam>
    public static Pipe<T, T> Of<T>()
    {
        var open = new OpenSource<T>();
        return new(open, open);
    }
}
