using Sluice.Pipelines;

namespace Sluice;

/// <summary>Makes pipes.</summary>
public static partial class Pipe
{
    /// <summary>Makes an empty pipe, the start of a chain: <c>Pipe.Of&lt;int&gt;() | Double | AddOne</c>.</summary>
    /// <typeparam name="T">The type of the items that go in.</typeparam>
    public static Pipe<T, T> Of<T>()
    {
        var open = new OpenSource<T>();
        return new(open, open);
    }
}
