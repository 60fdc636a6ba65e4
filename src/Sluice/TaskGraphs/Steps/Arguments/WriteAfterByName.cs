using System.ComponentModel;

namespace Sluice;

/// <summary>
/// Stands in every twin before its last parameter, so that what else a step waits for can only be given by its name: <c>Load("a", after: ready)</c>. There is nothing to give for it. A future that is one
/// argument too many does not compile, instead of being waited for without being used.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct WriteAfterByName;
