namespace Sluice.Pipelines;

/// <summary>Refuses KeyBy in front of operators that pair the items of two inputs: no lane would have both halves of a pair.</summary>
internal static class KeyedInputs
{
    /// <exception cref="InvalidOperationException">The source ends in a KeyBy.</exception>
    public static Source<T> Refused<T>(Source<T> source, string kind)
    {
        if (source is not KeyedSource<T>) return source;
        string why = kind == "join"
            ? "it has keys of its own, by which it pairs. Leave Stage.KeyBy out: items of one key meet."
            : "it pairs the first item with the first one of the other input, whatever their keys. Leave Stage.KeyBy out; to pair items "
            + "of one key, use Join.";
        throw new InvalidOperationException($"Stage.KeyBy does not fit in front of a {kind}: {why}");
    }
}
