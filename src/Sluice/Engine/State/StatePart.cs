namespace Sluice.Engine;

/// <summary>The rows of one part of a node's state, for example of a window: their keys are equal up to the first slash.</summary>
internal sealed class StatePart(string name, StateReader all, string[] keys) : StateReader
{
    /// <summary>The keys up to the slash.</summary>
    public string Name => name;

    public override IReadOnlyList<string> Keys => keys;

    public override bool IsComplete => all.IsComplete;

    /// <summary>Divides the rows of a node. One pass is enough: keys are in order, so those of a part are neighbours.</summary>
    /// <returns>The parts; keys without a slash belong to none.</returns>
    public static IEnumerable<StatePart> Of(StateReader stored)
    {
        string? name = null;
        List<string> keys = [];
        foreach (string key in stored.Keys)
        {
            int slash = key.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0) continue;
            if (name is not null && !key.AsSpan(0, slash).SequenceEqual(name))
            {
                yield return new(name, stored, [.. keys]);
                name = null;
                keys.Clear();
            }
            name ??= key[..slash];
            keys.Add(key);
        }
        if (name is not null) yield return new(name, stored, [.. keys]);
    }

    public override T Get<T>(string key) => all.Get<T>(key);

    public override List<T> GetMany<T>(string key) => all.GetMany<T>(key);

    public override List<T> GetMany<T>(string key, out long[] numbers) => all.GetMany<T>(key, out numbers);

    public override (ReadOnlyMemory<byte> Bytes, int Version) Stored(string key) => all.Stored(key);

    public override bool Has(string key) => all.Has(key);
}
