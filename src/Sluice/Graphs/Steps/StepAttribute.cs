namespace Sluice.Graphs;

/// <summary>
/// Makes a step from a method. A generator writes its twin, which takes values and futures alike, and returns a <see cref="Future{T}"/>.
/// </summary>
/// <remarks>
/// The twin has the method's name without <c>Async</c>, parameters of <see cref="Arg{T}"/> (<see cref="Args{T}"/> for collections), and at
/// the end <c>After? after = null</c>, for further futures to wait for. The type of the method, and all types around it, must be
/// <c>partial</c>. If the last parameter is a <see cref="CancellationToken"/>, the call supplies it; it is cancelled with the call, with
/// its scope, and at a time limit.
/// </remarks>
/// <example><code>
/// // The twin: Future&lt;Page&gt; Load(Arg&lt;string&gt; address, After? after = null)
/// [Step]
/// private static async Task&lt;Page&gt; LoadAsync(string address, CancellationToken cancellation) { … }
/// </code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class StepAttribute : Attribute
{
    /// <summary>Names the twin like the method, without <c>Async</c>.</summary>
    public StepAttribute()
    {
    }

    /// <summary>Names the twin, if the method's name does not end in <c>Async</c>, or another name is better.</summary>
    /// <param name="name">A C# name that no other member has.</param>
    public StepAttribute(string name) => Name = name;

    /// <summary>The name of the twin; null for the method's name without <c>Async</c>.</summary>
    public string? Name { get; }

    /// <summary>The number of retries after a failure; default 0.</summary>
    public int Retries { get; set; }

    /// <summary>
    /// The pause before the first retry in milliseconds; default 0. It doubles with each retry, up to a minute, minus a random part of up
    /// to half.
    /// </summary>
    public int BackoffMs { get; set; }

    /// <summary>
    /// The time limit of an attempt in milliseconds, after which it fails with a <see cref="TimeoutException"/>; default 0, no limit.
    /// </summary>
    /// <remarks>
    /// A synchronous method cannot be stopped: the attempt fails when the method returns, if that is too late. With <see cref="Retries"/>,
    /// the method then runs again. An asynchronous method that ignores its token is abandoned; if there is a concurrency limit, it keeps
    /// its permit until it has ended.
    /// </remarks>
    public int TimeoutMs { get; set; }

    /// <summary>
    /// The largest number of concurrent calls, in all scopes together; default 0, no limit. A call that its timeout has abandoned counts
    /// until it has ended.
    /// </summary>
    public int MaxConcurrency { get; set; }

    /// <summary>
    /// The number of results kept per scope for calls with the same arguments, which do not run but share the result; then the oldest is
    /// forgotten. Default 0, none.
    /// </summary>
    /// <remarks>
    /// Arguments are compared by <c>Equals</c>, collections by their elements. Failures are not kept, and outside of scopes no results are.
    /// </remarks>
    public int Pure { get; set; }
}
