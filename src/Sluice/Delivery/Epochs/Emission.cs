using System.Globalization;

namespace Sluice;

/// <summary>What a stage that holds or combines items has put out: an item of its own.</summary>
internal abstract class Emission(int node, string name, int ordinal)
{
    /// <summary>The longest that it may be as an entry, in bytes: what no stream allows more of. The limit of its own stream is about what is sent.</summary>
    public const int MaxBytes = 256 << 20;

    public int Node => node;

    /// <summary>Its node, the number of the commit that its parents are settled with, and its number among what is put out until then.</summary>
    public string IdIn(OwnedPartition partition, int generation) => string.Create(
        CultureInfo.InvariantCulture, $"{partition.Owner.Group.Stream}/{partition.Number}/{name}/{partition.NextCommit}.{ordinal}@{generation}");

    /// <summary>What is kept with it: where it enters again.</summary>
    public virtual EntryHeaders Describe(string id, string node) => new(id, node) { IsAfter = true };

    /// <summary>Writes it as an entry that enters again where it came out.</summary>
    /// <exception cref="UnwritableException">It cannot be written; nothing was.</exception>
    public void Write(EntryBatch to, PayloadSerializers serializers, byte[] headers)
    {
        try
        {
            WriteItem(to, serializers, headers);
        }
        catch (PayloadException e)
        {
            throw new UnwritableException(node, name, $"What '{name}' has put out has failed, and cannot be stored to be tried again: {e.Message}", e)
            {
                IsEmission = true,
                IsStructural = e.IsTooLong || e.InnerException is null,
            };
        }
    }

    /// <summary>Writes in its place that it has failed and could not be written: an entry that becomes a dead letter.</summary>
    public static void WriteLoss(EntryBatch to, EntryHeaders headers, PipelineException failure, UnwritableException why)
        => to.Add([], default, (headers with { Loss = $"{FailureText.Of(failure.InnerException!)} ({why.Message})" }).ToBytes());

    protected abstract void WriteItem(EntryBatch to, PayloadSerializers serializers, byte[] headers);
}

internal sealed class Emission<T>(int node, string name, T item, int ordinal) : Emission(node, name, ordinal)
{
    protected override void WriteItem(EntryBatch to, PayloadSerializers serializers, byte[] headers) => to.Add(serializers.For<T>(), item, default, headers);
}
