namespace Sluice.Flows;

/// <summary>Marks a parameter of a processor's function that another function, its dependency, provides.</summary>
/// <remarks>
/// <para>The dependency is called before the processor's function, once per invocation, even if several parameters name it.</para>
/// <para>
/// It is a static method, an instance method of the object that the processor's function belongs to, or a static local function beside it.
/// It returns the value, a <see cref="Task{TResult}"/> or a <see cref="ValueTask{TResult}"/>.
/// Its own parameters are bound like those of the processor's function, and may have dependencies in turn.
/// </para>
/// <para>
/// A value that is <see cref="IAsyncDisposable"/> or <see cref="IDisposable"/> is disposed when the function has ended, in reverse order,
/// before the services of the invocation. It is also disposed if the function or a later dependency fails.
/// </para>
/// </remarks>
/// <example><code>
/// static async Task&lt;Printer&gt; OpenPrinterAsync(PrinterOptions options, CancellationToken cancellation)
///     => await Printer.OpenAsync(options, cancellation);
/// static async Task PrintAsync(IO&lt;Page&gt; page, [Depends(nameof(OpenPrinterAsync))] Printer printer) { … }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class DependsAttribute : Attribute
{
    /// <summary>Names a method of the type that declares the function, or a static local function beside it.</summary>
    /// <param name="method">The name of the method.</param>
    public DependsAttribute(string method) => Method = method;

    /// <summary>Names a static method of another type.</summary>
    /// <param name="type">The type that has the method.</param>
    /// <param name="method">The name of the method.</param>
    public DependsAttribute([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods)] Type type, string method) => (Type, Method) = (type, method);

    /// <summary>The type that has the method; null for the type that declares the function with the parameter.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods)]
    public Type? Type { get; }

    /// <summary>The name of the method that provides the value.</summary>
    public string Method { get; }
}
