namespace Sluice.Graphs;

/// <summary>A record for <see cref="Step.FromData"/>: an id, a payload, and the ids it depends on.</summary>
/// <typeparam name="T">The type of the payload.</typeparam>
/// <param name="Id">The id, unique among the records.</param>
/// <param name="Payload">The payload.</param>
/// <param name="Dependencies">The ids of the records whose results it takes, in any position of the data; null for none.</param>
public sealed record StepInput<T>(string Id, T Payload, params IReadOnlyList<string>? Dependencies);
