namespace Sluice;

/// <summary>A timer that fires. If its node fails, it is an item of its own, which enters at the node again.</summary>
internal sealed class TimerEmission(int node, string name, string key, string timer, int ordinal) : Emission(node, name, ordinal)
{
    /// <summary>By which it is known again when its epoch is run again.</summary>
    public (int Node, string Key, string Timer) Identity => (Node, key, timer);

    public override EntryHeaders Describe(string id, string node) => new(id, node) { Timer = timer, Key = key };

    protected override void WriteItem(EntryBatch to, PayloadSerializers serializers, byte[] headers) => to.Add([], default, headers);
}
