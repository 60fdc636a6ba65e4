using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>
/// A parameter of a processor's function that another function provides: it is called before the processor's function, once for each invocation, however many parameters depend on it, and what it has returned is disposed when the function has ended.
/// </summary>
/// <remarks>
/// <para>
/// The providing method is static, or an instance method of the object whose method the processor's function is, or a static local function beside it. It returns the value, or a <see cref="Task{TResult}"/> or <see cref="ValueTask{TResult}"/> of it. Its parameters are
/// bound like those of the processor's function: inputs, outputs, services, <see cref="CancellationToken"/>, defaults, and parameters that depend on further functions.
/// </para>
/// <para>What is <see cref="IAsyncDisposable"/> or <see cref="IDisposable"/> is disposed in the opposite order, before the services of the invocation are; also when the function fails, or a later dependency does.</para>
/// </remarks>
/// <example><code>
/// static async Task&lt;Printer&gt; OpenPrinterAsync(PrinterOptions options, CancellationToken cancellation) => await Printer.OpenAsync(options, cancellation);
/// static async Task PrintAsync(IO&lt;Page&gt; page, [Depends(nameof(OpenPrinterAsync))] Printer printer) { … }
/// </code></example>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class DependsAttribute : Attribute
{
    /// <summary>A method of the type that declares the function with the parameter, or a static local function beside it.</summary>
    /// <param name="method">Its name.</param>
    public DependsAttribute(string method) => Method = method;

    /// <summary>A static method of a type.</summary>
    /// <param name="type">The type.</param>
    /// <param name="method">Its name.</param>
    public DependsAttribute([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods)] Type type, string method) => (Type, Method) = (type, method);

    /// <summary>The type that has the method; null for the one that declares the function with the parameter.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods)]
    public Type? Type { get; }

    /// <summary>The name of the method that provides the parameter.</summary>
    public string Method { get; }
}
