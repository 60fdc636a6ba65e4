namespace Sluice.Delivery;

/// <summary>An item that a stage has emitted from items that it holds or combines.</summary>
internal abstract class Emission(int node, string name, int ordinal)
{
    /// <summary>The most bytes of an emission as an entry; no stream allows more. The limit of its own stream applies to sent items
    /// only.</summary>
    public const int MaxBytes = 256 << 20;

    public int Node => node;

    public string Name => name;

    /// <summary>Returns the id of the emission: its node, the number of the commit that settles its parents, and its ordinal among the
    /// emissions until then.</summary>
    public string IdIn(OwnedPartition partition, int generation) => string.Create(
        CultureInfo.InvariantCulture,
            $"{partition.Owner.Group.Stream}/{partition.Number}/{name}/{partition.NextCommit}.{ordinal}@{generation}");

    /// <summary>Returns the headers to store with the emission; they say where it enters again.</summary>
    public virtual EntryHeaders Describe(string id, string node) => new(id, node) { IsAfter = true };

    /// <summary>Writes the emission as an entry that enters again where it was emitted.</summary>
    /// <exception cref="UnwritableException">The emission cannot be written; nothing was written.</exception>
    public void Write(EntryBatch to, PayloadSerializers serializers, byte[] headers)
    {
        try
        {
            WriteItem(to, serializers, headers);
        }
        catch (PayloadException e)
        {
            throw new UnwritableException(node, name,
                $"What '{name}' has put out has failed, and cannot be stored to be tried again: {e.Message}", e)
            {
                IsEmission = true,
                IsStructural = e.IsTooLong || e.InnerException is null,
            };
        }
    }

    /// <summary>Writes an entry in place of an emission that has failed and cannot be written: the entry becomes a dead letter.</summary>
    public static void WriteLoss(EntryBatch to, EntryHeaders headers, PipelineException failure, UnwritableException why)
        => to.Add([], default, (headers with { Loss = $"{FailureText.Of(failure.InnerException!)} ({why.Message})" }).ToBytes());

    protected abstract void WriteItem(EntryBatch to, PayloadSerializers serializers, byte[] headers);
}

internal sealed class Emission<T>(int node, string name, T item, int ordinal) : Emission(node, name, ordinal)
{
    protected override void WriteItem(EntryBatch to, PayloadSerializers serializers, byte[] headers)
        => to.Add(serializers.For<T>(), item, default, headers);
}
