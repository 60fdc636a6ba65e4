namespace Sluice;

/// <summary>A node of a graph that is given as data: what it is called, what it is about, and what it waits for.</summary>
/// <typeparam name="T">What a node is about.</typeparam>
/// <param name="Id">Its name, which no other has.</param>
/// <param name="Payload">What it is about.</param>
/// <param name="Dependencies">The ids of those whose results it takes; they may come later in the data. Null is none.</param>
public sealed record StepInput<T>(string Id, T Payload, params IReadOnlyList<string>? Dependencies);
