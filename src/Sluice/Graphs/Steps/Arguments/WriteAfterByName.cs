namespace Sluice.Graphs;

/// <summary>
/// A placeholder before the last parameter of every twin, so that <c>after</c> can only be passed by name: <c>Load("a", after: ready)</c>.
/// </summary>
/// <remarks>Never pass it. Thereby, one future too many does not compile, instead of being awaited without its value being used.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct WriteAfterByName;
