namespace Sluice;

/// <summary>
/// Makes a step of a method: a generator writes its twin, which takes values and futures alike and returns a <see cref="Future{T}"/>. The twin has the method's name without
/// <c>Async</c>, its parameters as <see cref="Arg{T}"/> (collections as <see cref="Args{T}"/>), and at the end <c>After? after = null</c>: what else to wait for.
/// </summary>
/// <remarks>
/// The method's type, and the types around it, must be <c>partial</c>. A <see cref="CancellationToken"/> as the last parameter is given by the call: it is cancelled with it, with its scope, and
/// when a time limit is over.
/// </remarks>
/// <example><code>
/// [Step]
/// private static async Task&lt;Page&gt; LoadAsync(string address, CancellationToken cancellation) { … }   // Future&lt;Page&gt; Load(Arg&lt;string&gt; address, After? after = null)
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class StepAttribute : Attribute
{
    /// <summary>The twin has the method's name without <c>Async</c>.</summary>
    public StepAttribute()
    {
    }

    /// <summary>Names the twin, where the method's name has no <c>Async</c> to drop, or another name is better.</summary>
    /// <param name="name">A C# name that no other member has.</param>
    public StepAttribute(string name) => Name = name;

    /// <summary>The name of the twin; null for the method's own without <c>Async</c>.</summary>
    public string? Name { get; }

    /// <summary>How often the step is tried again when it fails; 0 unless given.</summary>
    public int Retries { get; set; }

    /// <summary>The wait before the first retry, in milliseconds; it doubles with each, up to a minute, and is shortened by a random part of up to a half. 0, no wait, unless given.</summary>
    public int BackoffMs { get; set; }

    /// <summary>
    /// After how many milliseconds an attempt has failed, with a <see cref="TimeoutException"/>; 0, never, unless given. A synchronous method cannot be stopped: it runs to its end, which then counts. An
    /// asynchronous one that does not heed its token is left behind, and goes on by itself; with a limit, it keeps its place until it has ended.
    /// </summary>
    public int TimeoutMs { get; set; }

    /// <summary>How many calls may run at a time, in all scopes together; 0, any number, unless given. One that its time limit has left behind counts until it has ended.</summary>
    public int MaxConcurrency { get; set; }

    /// <summary>
    /// How many results are kept in each scope, for calls with the same arguments: these do not run, and have the result of the first; beyond that the oldest is forgotten. 0, none, unless given. Arguments
    /// are the same if <c>Equals</c> says so, collections if their elements are. Failures are not kept, and outside of scopes nothing is.
    /// </summary>
    public int Pure { get; set; }
}
