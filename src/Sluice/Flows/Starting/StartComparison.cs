using System.Security.Cryptography;
using System.Text.Json;

namespace Sluice.Flows;

/// <summary>Tells a repeated start from another start with the same id.</summary>
internal static class StartComparison
{
    /// <summary>Hashes the values given to a stream: their payloads before compression and signing.</summary>
    /// <exception cref="PayloadException">A value cannot be serialized.</exception>
    public static GivenValues Digest(IReadOnlyCollection<IOVal> values, PayloadSerializers serializers, EntryBatch batch)
    {
        if (values.Any(value => value.IsStream)) return new(-1, "");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (IOVal value in values)
        {
            batch.Clear();
            value.AddTo(batch, serializers);
            hash.AppendData(batch.RecordAt(0).Span);          // includes its length
        }
        return new(values.Count, Convert.ToHexString(hash.GetHashAndReset().AsSpan(0, 16)));
    }

    /// <exception cref="ArgumentException">The existing run was started differently; the message says how.</exception>
    public static void Check(RunPlan found, RunPlan wanted)
    {
        if (Flow(found, wanted) is { } flow) throw new ArgumentException(
            $"There is a run {found.Run} already, {flow}. {Remedy}");
        string? difference = Results(found, wanted) ?? found.Streams.Select(stream => Stream(stream, wanted.Stream(stream.Name)))
            .FirstOrDefault(text => text is not null);
        if (difference is not null) throw new ArgumentException(
            $"There is a run {found.Run} already, and it was started otherwise: {difference}. {Remedy}");
    }

    private static string Remedy
        => "Give this one another id, start it as the other one was started, or go on with the other one (FindAsync).";

    private static string? Flow(RunPlan found, RunPlan wanted)
    {
        string[] there = Texts(found), here = Texts(wanted), only = [.. there.Except(here)], more = [.. here.Except(there)];
        if (only.Length == 0 && more.Length == 0) return null;
        if (only.Length > 0 && more.Length > 0 && Name(only[0]) == Name(more[0]))
            return $"and it is not this one: it has the processor \"{only[0]}\", this one \"{more[0]}\"";
        string[] parts = [.. only.Length > 0 ? [$"only it has the processor \"{only[0]}\""] : (string[])[], .. more.Length > 0
            ? [$"{(only.Length > 0 ? "and only this one" : "only this one has the processor")} \"{more[0]}\""] : (string[])[]];
        return $"of another flow: {string.Join(", ", parts)}";

        static string[] Texts(RunPlan plan) => [.. plan.Processors.Select(processor => processor.ToProcessor().ToString())
            .Order(StringComparer.Ordinal)];
        static string Name(string text) => text[..text.IndexOf(':', StringComparison.Ordinal)];
    }

    private static string? Results(RunPlan found, RunPlan wanted)
        => found.Results.Order(StringComparer.Ordinal).SequenceEqual(wanted.Results.Order(StringComparer.Ordinal)) ? null
            : $"its outputs {string.Join(", ", found.Results)} can be read, here {string.Join(", ", wanted.Results)} (allOutputs)";

    private static string? Stream(StreamPlan there, StreamPlan here)
    {
        if (there.Type is { } type && here.Type is { } other && type != other)
            return $"its {Kind(there)} has values of the type {type}, here {other}";
        string? bound = Bound(nameof(there.MaxItems), there.MaxItems, here.MaxItems)
            ?? Bound(nameof(there.MaxBytes), there.MaxBytes, here.MaxBytes)
            ?? Bound(nameof(there.MaxItemBytes), there.MaxItemBytes, here.MaxItemBytes)
            ?? Bound(nameof(there.MaxKept), there.MaxKept, here.MaxKept);
        if (bound is not null) return $"its {Kind(there)} has {bound}";
        if (there.Retention != here.Retention)
            return $"its {Kind(there)} has {nameof(Retention)}.{there.Retention}, here {here.Retention} (keepOutputs, FlowStreamOptions)";
        if (there.Given is not { } given || here.Given is not { } now || given == now) return null;
        // A newer program writes the same values otherwise: their hashes say nothing then.
        if (given.Count == now.Count && there.Schema is { } before && here.Schema is { } schema && !JsonElement.DeepEquals(before, schema))
            return $"its {Kind(there)} has {Values(given)} of a type that has other members here, or members in another order";
        return given.Count == now.Count ? $"its {Kind(there)} has {Values(given)}, and other ones than here"
            : $"its {Kind(there)} {Has(given)}, here it {Has(now)}";

        static string? Bound(string name, long there, long here) => there == here ? null : $"{name} {there:N0}, here {here:N0}";
        static string Kind(StreamPlan stream) => $"{(stream.IsGiven ? "input" : "stream")} {stream.Name}";
        static string Values(GivenValues given) => given.Count == 1 ? "1 value" : $"{given.Count:N0} values";
        static string Has(GivenValues given) => given.Count < 0 ? "is a stream" : $"has {Values(given)}";
    }
}
