namespace Sluice.Delivery;

/// <summary>A timer that fires. If its node fails, the timer becomes an item of its own, which enters at the node again.</summary>
internal sealed class TimerEmission(int node, string name, string key, string timer, int ordinal) : Emission(node, name, ordinal)
{
    /// <summary>The identity by which the timer is recognized when its round runs again.</summary>
    public (int Node, string Key, string Timer) Identity => (Node, key, timer);

    public override EntryHeaders Describe(string id, string node) => new(id, node) { Timer = timer, Key = key };

    protected override void WriteItem(EntryBatch to, PayloadSerializers serializers, byte[] headers) => to.Add([], default, headers);
}
